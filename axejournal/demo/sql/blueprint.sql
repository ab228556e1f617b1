-- blueprint: workspaces with trees of documents and their revisions.
CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE documents (
    id int GENERATED ALWAYS AS IDENTITY,
    workspace uuid NOT NULL,
    parent int,
    title text NOT NULL,
    body text NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}',
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || body)) STORED,
    updated_at timestamptz NOT NULL
);
CREATE TABLE revisions (
    document int NOT NULL,
    number int NOT NULL,
    author text NOT NULL,
    at timestamptz NOT NULL,
    change text
);

INSERT INTO workspaces SELECT md5('workspace' || i)::uuid, slug, name, timestamptz '2024-03-04 09:00+09' + i * interval '11 days'
    FROM (VALUES (1, 'axe', '액스 본사'), (2, 'deals', '딜 룸'), (3, 'people', '인사 · 조직'), (4, 'platform', 'Platform engineering'),
                 (5, 'legal', '법무'), (6, 'realchoice', 'Real Choice')) AS w (i, slug, name);
INSERT INTO documents (workspace, parent, title, body, properties, updated_at)
    SELECT md5('workspace' || 1 + i % 6)::uuid, CASE WHEN i > 60 THEN 1 + pg_temp.roll(i, 21, 60) END,
           (ARRAY['회의록','분기 보고','운영 매뉴얼','실사 체크리스트','Design note','Postmortem','온보딩'])
               [1 + pg_temp.roll(i, 22, 7)] || ' ' || i,
           (SELECT string_agg((ARRAY['백업은 복원해 본 만큼만 백업이다.','담당자는 매주 월요일에 확인한다.','계약 조건을 다시 검토한다.',
                    'The migration ran without downtime.','Costs fell by a tenth.','승인 후 진행한다.','See the attached evidence.'])
                [1 + pg_temp.roll(i * 40 + k, 23, 7)], ' ')
            FROM generate_series(1, 6 + i % 12) AS k),
           jsonb_build_object('status', (ARRAY['draft','review','final'])[1 + i % 3], 'tags', jsonb_build_array('y2026', 'q' || 1 + i % 4)),
           timestamptz '2025-01-01 09:00+09' + i * interval '2 hours 53 minutes'
    FROM generate_series(1, 4000) AS i;
INSERT INTO revisions
    SELECT i, n, pg_temp.korean_name(pg_temp.roll(i + n, 24, 60)),
           timestamptz '2024-12-01 10:00+09' + (i * 3 + n) * interval '51 minutes',
           CASE WHEN n > 1 THEN '- ' || md5(i::text) || E'\n+ ' || md5((i + n)::text) END
    FROM generate_series(1, 4000) AS i, generate_series(1, 1 + i % 4) AS n;

ALTER TABLE documents ADD PRIMARY KEY (id), ADD FOREIGN KEY (workspace) REFERENCES workspaces,
    ADD FOREIGN KEY (parent) REFERENCES documents;
ALTER TABLE revisions ADD PRIMARY KEY (document, number), ADD FOREIGN KEY (document) REFERENCES documents;
CREATE INDEX documents_of_workspace ON documents (workspace, updated_at);
