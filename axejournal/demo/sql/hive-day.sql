-- A working day in hive, with psql's variable :day.
INSERT INTO axec.leave (employee, kind, days, reason)
    SELECT 1 + pg_temp.roll(:day, i, 64), 'annual', daterange(date '2026-06-01' + :day, date '2026-06-02' + :day), '휴가'
    FROM generate_series(1, 3) AS i;
