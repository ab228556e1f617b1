-- A working day in mysrt, with psql's variable :day.
UPDATE jobs SET state = 'reserved', tries = tries + 1 WHERE hashint8extended(id, :day) % 50 = 0;
INSERT INTO jobs (user_id, state, from_station, to_station, departs_at)
    SELECT 1 + pg_temp.roll(:day * 1000 + i, 63, 600), 'waiting', '수서', '부산', timestamptz '2026-06-01 06:00+09' + i * interval '1 hour'
    FROM generate_series(1, 80) AS i;
