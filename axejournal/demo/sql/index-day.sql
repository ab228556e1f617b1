-- A working day in index, with psql's variable :day: the evidence of one more deal.
INSERT INTO deals VALUES (60 + :day, pg_temp.company(7000 + :day), date '2026-05-19' + :day);
WITH made AS (
    SELECT i, (SELECT string_agg(sha512(int8send(-(:day * 100 + i)::bigint * 4096 - k)), ''::bytea)
               FROM generate_series(1, 1600) AS k) AS body
    FROM generate_series(1, 60) AS i OFFSET 0),
stored AS (INSERT INTO evidence_blob (sha256, body) SELECT sha256(body), body FROM made RETURNING id)
INSERT INTO entries (deal, blob, path, media_type, added_at)
    SELECT 60 + :day, id, format('/OneDrive/딜/%s/증빙 %s.pdf', 60 + :day, id), 'application/pdf',
           timestamptz '2026-05-19 17:00+09' + :day * interval '1 day'
    FROM stored;
