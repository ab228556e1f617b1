-- A working day in blueprint, with psql's variable :day.
INSERT INTO documents (workspace, parent, title, body, updated_at)
    SELECT md5('workspace' || 1 + i % 6)::uuid, 1 + i, '일지 ' || :day || '-' || i, '오늘 한 일: ' || md5((:day * 100 + i)::text),
           timestamptz '2026-05-19 18:00+09' + :day * interval '1 day'
    FROM generate_series(1, 20) AS i;
