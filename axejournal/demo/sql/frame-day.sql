-- A working day in frame, with psql's variable :day.
CREATE TEMPORARY TABLE today AS
    SELECT nextval(pg_get_serial_sequence('journal_entry', 'id')) AS id, 1000 + 10 * pg_temp.roll(:day * 1000 + i, 61, 900000) AS net, i
    FROM generate_series(1, 400) AS i;
BEGIN;
INSERT INTO journal_entry (id, entity, posted_on, partner, memo, evidence)
    SELECT id, (ARRAY['axec','axev'])[1 + (i % 4 = 0)::int], date '2026-05-19' + :day, 1 + pg_temp.roll(id, 62, 400),
           '일일 마감 ' || i, '{"kind": "카드"}'
    FROM today;
INSERT INTO journal_line SELECT id, line, (ARRAY['axec','axev'])[1 + (i % 4 = 0)::int], (ARRAY[830, 253])[line],
        CASE line WHEN 1 THEN net ELSE 0 END, CASE line WHEN 2 THEN net ELSE 0 END
    FROM today, generate_series(1, 2) AS line;
COMMIT;
