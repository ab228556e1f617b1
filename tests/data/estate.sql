-- What databases of real companies hold beyond torture.sql, and what is known to break when they are dumped and loaded again.
-- Runs in an empty database of PostgreSQL 15 with its contrib, as superuser. The roles estate_owner, estate_reader and
-- estate_tenant are there; the caller makes them, and sets what is the database's own.

CREATE SCHEMA extensions;
CREATE SCHEMA app AUTHORIZATION estate_owner;
CREATE SCHEMA "회계";
CREATE SCHEMA tools;
CREATE EXTENSION pgcrypto SCHEMA extensions;
CREATE EXTENSION citext SCHEMA extensions;
CREATE EXTENSION hstore SCHEMA extensions;
CREATE EXTENSION pg_trgm SCHEMA extensions;
CREATE EXTENSION btree_gist SCHEMA extensions;
CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION "uuid-ossp" SCHEMA extensions;
CREATE EXTENSION tablefunc SCHEMA extensions;
CREATE EXTENSION unaccent;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
CREATE EXTENSION pg_stat_statements SCHEMA extensions;
CREATE EXTENSION isn SCHEMA extensions;
CREATE EXTENSION lo SCHEMA extensions;
CREATE EXTENSION tsm_system_rows SCHEMA extensions;

-- languages of code: functions of every kind, in expressions of every kind
CREATE TYPE app.status AS ENUM ('new', 'paid', 'gone');
ALTER TYPE app.status ADD VALUE 'paused' BEFORE 'gone';
CREATE DOMAIN app.krw AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN app.mail AS extensions.citext CONSTRAINT is_mail CHECK (VALUE::text LIKE '%@%');
CREATE DOMAIN app.mails AS app.mail[] NOT NULL DEFAULT '{}';
CREATE TYPE app.address AS (street text, zip char(5));
CREATE FUNCTION tools.is_positive(bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE FUNCTION tools.net(gross bigint, rate numeric DEFAULT 0.1) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT (gross / (1 + rate))::bigint';
CREATE FUNCTION tools.total(VARIADIC bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT sum(n)::bigint FROM unnest($1) AS n; END;
CREATE FUNCTION app.whoami() RETURNS name LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = app, pg_temp AS $$BEGIN RETURN current_user; END$$;
ALTER FUNCTION app.whoami() OWNER TO estate_owner;
REVOKE ALL ON FUNCTION app.whoami() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.whoami() TO estate_reader;
CREATE FUNCTION app.pair(OUT a integer, OUT b text) RETURNS SETOF record LANGUAGE sql ROWS 3 COST 7 AS $$VALUES (1, 'x'), (2, 'y')$$;
CREATE PROCEDURE app.close_month(INOUT closed integer) LANGUAGE plpgsql AS $$BEGIN closed := closed + 1; COMMIT; END$$;
CREATE FUNCTION app.nobody_there() RETURNS SETOF integer LANGUAGE sql SET check_function_bodies = off AS 'SELECT 1';
SET check_function_bodies = off;
CREATE FUNCTION app.broken_since_long() RETURNS integer LANGUAGE sql AS 'SELECT id FROM a_table_that_is_gone';
RESET check_function_bodies;
CREATE FUNCTION tools.longest(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN length($1) >= length($2) THEN $1 ELSE $2 END';
CREATE AGGREGATE tools.longest_of(text) (SFUNC = tools.longest, STYPE = text, INITCOND = '', COMBINEFUNC = tools.longest, PARALLEL = SAFE);
CREATE FUNCTION tools.near(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT lower($1) = lower($2)';
CREATE OPERATOR tools.=~= (LEFTARG = text, RIGHTARG = text, FUNCTION = tools.near, COMMUTATOR = OPERATOR(tools.=~=));
CREATE FUNCTION tools.address_text(app.address) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).street || '' '' || ($1).zip';
CREATE CAST (app.address AS text) WITH FUNCTION tools.address_text(app.address) AS ASSIGNMENT;
CREATE CAST (bigint AS app.status) WITH INOUT;
CREATE FUNCTION tools.reverse_cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp($2, $1)';
CREATE OPERATOR FAMILY tools.backwards USING btree;
CREATE OPERATOR CLASS tools.backwards_ops FOR TYPE integer USING btree FAMILY tools.backwards AS
    OPERATOR 1 >(integer, integer), OPERATOR 2 >=(integer, integer), OPERATOR 3 =(integer, integer), OPERATOR 4 <=(integer, integer),
    OPERATOR 5 <(integer, integer), FUNCTION 1 tools.reverse_cmp(integer, integer);
CREATE ACCESS METHOD heap_again TYPE TABLE HANDLER heap_tableam_handler;
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE CONVERSION tools.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TYPE tools.score;
CREATE FUNCTION tools.score_in(cstring) RETURNS tools.score LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION tools.score_out(tools.score) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE tools.score (INPUT = tools.score_in, OUTPUT = tools.score_out, LIKE = integer);
CREATE COLLATION tools.korean (provider = icu, locale = 'ko-KR');
CREATE COLLATION tools.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TEXT SEARCH DICTIONARY tools.plain (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION tools.mixed (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION tools.mixed ALTER MAPPING FOR word, asciiword WITH unaccent, tools.plain;

-- the platform itself: keys in circles, of every action; generated and identity columns of every kind
CREATE TABLE app.tenant (
    id uuid DEFAULT extensions.uuid_generate_v4() PRIMARY KEY, name text COLLATE tools.korean NOT NULL UNIQUE, mail app.mail,
    others app.mails, at_home app.address, bag extensions.hstore DEFAULT ''::extensions.hstore, secret bytea, points tools.score,
    path extensions.ltree, isbn extensions.isbn13, alias text COLLATE tools.loose UNIQUE,
    search tsvector GENERATED ALWAYS AS (to_tsvector('tools.mixed', coalesce(name, ''))) STORED,
    head_office integer
);
ALTER TABLE app.tenant OWNER TO estate_owner;
INSERT INTO app.tenant (id, name, mail, others, at_home, bag, secret, points, path, isbn, alias)
SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, '회사 ' || n, 'owner@' || n || '.kr', ARRAY['a@b', 'C@d']::app.mail[],
       ROW('서울 ' || n, '04524')::app.address, extensions.hstore('n', n::text), extensions.digest(n::text, 'sha256'), n::text::tools.score,
       ('top.n' || n)::extensions.ltree, '978-0-393-04002-9', 'Alias ' || n FROM generate_series(1, 40) AS n;
CREATE TABLE app.office (
    id integer GENERATED BY DEFAULT AS IDENTITY (START 100 INCREMENT 10 MINVALUE 100 CACHE 5) PRIMARY KEY,
    tenant uuid NOT NULL REFERENCES app.tenant ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE,
    kind app.status DEFAULT 'new', rent app.krw CHECK (tools.is_positive(rent)), rent_net bigint GENERATED ALWAYS AS (tools.net(rent)) STORED,
    CONSTRAINT one_kind UNIQUE NULLS NOT DISTINCT (tenant, kind) INCLUDE (rent)
) WITH (fillfactor = 70, autovacuum_enabled = off);
INSERT INTO app.office (tenant, kind, rent) SELECT id, 'paused', 1000 + row_number() OVER () FROM app.tenant;
ALTER TABLE app.tenant ADD CONSTRAINT headed FOREIGN KEY (head_office) REFERENCES app.office ON DELETE SET NULL (head_office) NOT VALID;
UPDATE app.tenant AS t SET head_office = o.id FROM app.office AS o WHERE o.tenant = t.id;
CREATE TABLE app.invoice (
    tenant uuid NOT NULL, number bigint NOT NULL, issued date NOT NULL, amount app.krw, net bigint GENERATED ALWAYS AS (tools.net(amount)) STORED,
    PRIMARY KEY (tenant, number, issued), FOREIGN KEY (tenant) REFERENCES app.tenant
) PARTITION BY RANGE (issued);
CREATE TABLE app.invoice_2025 PARTITION OF app.invoice FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE app.invoice_2026 PARTITION OF app.invoice FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY HASH (tenant);
CREATE TABLE app.invoice_2026_0 PARTITION OF app.invoice_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.invoice_2026_1 PARTITION OF app.invoice_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO app.invoice (tenant, number, issued, amount) SELECT id, n, date '2025-12-20' + n, 1100 * n FROM app.tenant, generate_series(1, 20) AS n;
CREATE TABLE app.line (
    tenant uuid, number bigint, issued date, position integer, what text,
    PRIMARY KEY (tenant, number, issued, position), FOREIGN KEY (tenant, number, issued) REFERENCES app.invoice ON DELETE CASCADE
);
INSERT INTO app.line SELECT tenant, number, issued, p, 'line ' || p FROM app.invoice, generate_series(1, 2) AS p WHERE number < 5;
CREATE TABLE app.by_status (id integer, state app.status NOT NULL) PARTITION BY HASH (state);
CREATE TABLE app.by_status_0 PARTITION OF app.by_status FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE app.by_status_1 PARTITION OF app.by_status FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE app.by_status_2 PARTITION OF app.by_status FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO app.by_status SELECT n, (enum_range(NULL::app.status))[1 + n % 4] FROM generate_series(1, 40) AS n;
CREATE TABLE app.noted (id bigserial PRIMARY KEY, note text) USING heap_again;
ALTER TABLE app.noted REPLICA IDENTITY FULL;
ALTER TABLE app.noted ALTER COLUMN note SET STORAGE EXTERNAL, ALTER COLUMN note SET STATISTICS 500, ALTER COLUMN note SET (n_distinct = -0.5);
INSERT INTO app.noted (note) VALUES ('a'), ('b');
ALTER SEQUENCE app.noted_id_seq AS bigint MAXVALUE 99999999999 CYCLE OWNED BY NONE;
CREATE SEQUENCE "회계"."번호" AS smallint START 7;
SELECT setval('"회계"."번호"', 42, false);
CREATE TABLE "회계"."전표 A" ("번호" smallint DEFAULT nextval('"회계"."번호"') PRIMARY KEY, "Amount In KRW" numeric(15, 0), CHECK ("Amount In KRW" <> 0) NO INHERIT);
INSERT INTO "회계"."전표 A" ("Amount In KRW") VALUES (1), (-1);
CREATE TABLE app.a_name_that_is_longer_than_sixty_three_bytes_and_is_cut_in_silence_by_the_server (a_column_whose_name_is_longer_than_sixty_three_bytes_and_is_cut_too integer);
INSERT INTO app.a_name_that_is_longer_than_sixty_three_bytes_and_is_cut_in_silence_by_the_server VALUES (1);
CREATE TABLE app.mixed_case ("Id" integer, "ID" integer, id integer, UNIQUE ("Id", "ID"));
INSERT INTO app.mixed_case VALUES (1, 2, 3);
CREATE TABLE app.scan (id integer, page extensions.lo);
INSERT INTO app.scan SELECT n, lo_from_bytea(0, decode(repeat('abcd', n * 800), 'hex')) FROM generate_series(1, 3) AS n;
CREATE TRIGGER cleaned BEFORE UPDATE OR DELETE ON app.scan FOR EACH ROW EXECUTE FUNCTION extensions.lo_manage(page);

-- indexes of every kind
CREATE INDEX tenant_trigrams ON app.tenant USING gin (name extensions.gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX tenant_search ON app.tenant USING gin (search);
CREATE INDEX tenant_path ON app.tenant USING gist (path) WHERE name IS NOT NULL;
CREATE INDEX noted_brin ON app.noted USING brin (id) WITH (pages_per_range = 4);
CREATE INDEX noted_hash ON app.noted USING hash (note);
CREATE INDEX office_rent ON app.office (tools.net(rent) DESC NULLS LAST, rent);
CREATE UNIQUE INDEX office_back ON app.office (id tools.backwards_ops);
ALTER TABLE app.office CLUSTER ON office_back;
CREATE INDEX invoice_amount ON ONLY app.invoice (amount);
ALTER INDEX app.office_rent ALTER COLUMN 1 SET STATISTICS 200;

-- views upon views, materialised views upon functions and each other, rules, policies, triggers of every kind
CREATE VIEW app.per_tenant WITH (security_barrier) AS SELECT t.id, t.name, count(o.id) AS offices FROM app.tenant AS t LEFT JOIN app.office AS o ON o.tenant = t.id GROUP BY t.id;
CREATE VIEW app.cheap WITH (security_invoker) AS SELECT * FROM app.office WHERE rent < 1020 WITH CASCADED CHECK OPTION;
CREATE RECURSIVE VIEW app.countdown (n) AS VALUES (3) UNION ALL SELECT n - 1 FROM countdown WHERE n > 1;
CREATE MATERIALIZED VIEW app.stats AS SELECT tools.longest_of(name) AS longest, tools.total(1, 2, 3) AS six, sum(tools.net(1100)) AS net FROM app.tenant;
CREATE MATERIALIZED VIEW app.stats_again AS SELECT s.*, p.offices FROM app.stats AS s, app.per_tenant AS p;
CREATE UNIQUE INDEX stats_again_all ON app.stats_again (longest, six, net, offices) WHERE false;
CREATE FUNCTION app.of_view(app.per_tenant) RETURNS text LANGUAGE sql STABLE AS 'SELECT ($1).name';
CREATE VIEW app.upon_function AS SELECT app.of_view(p) AS label FROM app.per_tenant AS p;
CREATE RULE kept AS ON DELETE TO "회계"."전표 A" DO INSTEAD NOTHING;
CREATE RULE told AS ON UPDATE TO app.noted WHERE OLD.note <> NEW.note DO ALSO INSERT INTO app.mixed_case VALUES (0);
ALTER TABLE app.noted DISABLE RULE told;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.note := NEW.note || coalesce(TG_ARGV[0], ''); RETURN NEW; END$$;
CREATE TRIGGER touched BEFORE INSERT OR UPDATE OF note ON app.noted FOR EACH ROW WHEN (NEW.note IS NOT NULL) EXECUTE FUNCTION app.touch('!', 'it''s');
ALTER TABLE app.noted ENABLE ALWAYS TRIGGER touched;
CREATE FUNCTION app.no_more() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'closed'; END$$;
CREATE CONSTRAINT TRIGGER closed AFTER INSERT ON app.office DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.no_more();
CREATE TRIGGER counted AFTER INSERT ON app.invoice REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION app.no_more();
ALTER TABLE app.tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.tenant AS PERMISSIVE FOR ALL TO estate_tenant USING (name = current_user) WITH CHECK (id IS NOT NULL);
CREATE POLICY never ON app.tenant AS RESTRICTIVE FOR DELETE TO PUBLIC USING (false);
CREATE FUNCTION app.no_drops() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'nothing is dropped here'; END$$;
CREATE EVENT TRIGGER guard ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA') EXECUTE FUNCTION app.no_drops();
CREATE EVENT TRIGGER sleeping ON ddl_command_start EXECUTE FUNCTION app.no_drops();
ALTER EVENT TRIGGER sleeping DISABLE;

-- other servers, publications
CREATE SERVER elsewhere TYPE 'pg' VERSION '15' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', dbname 'x');
CREATE USER MAPPING FOR estate_reader SERVER elsewhere OPTIONS (user 'x', password 'a password; with ''quotes''');
CREATE FOREIGN TABLE app.far (id integer OPTIONS (column_name 'ID') NOT NULL, t text) SERVER elsewhere OPTIONS (schema_name 's', table_name 't');
CREATE FOREIGN DATA WRAPPER idle;
CREATE SERVER "a CSV" FOREIGN DATA WRAPPER file_fdw;
CREATE TABLE app.logs (at date) PARTITION BY RANGE (at);
CREATE TABLE app.logs_now PARTITION OF app.logs FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE FOREIGN TABLE app.logs_old PARTITION OF app.logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') SERVER elsewhere;
INSERT INTO app.logs_now VALUES ('2026-05-20');
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish_via_partition_root);
CREATE PUBLICATION a_part FOR TABLE app.office (id, rent) WHERE (id > 100) WITH (publish = 'insert, update');
CREATE PUBLICATION a_schema FOR TABLES IN SCHEMA "회계";

-- rights, comments, labels
GRANT USAGE ON SCHEMA app, "회계" TO estate_reader;
GRANT SELECT (id, name), UPDATE (name) ON app.tenant TO estate_reader WITH GRANT OPTION;
GRANT USAGE ON TYPE app.status TO estate_reader;
GRANT USAGE ON FOREIGN SERVER elsewhere TO estate_reader;
GRANT USAGE ON SEQUENCE app.noted_id_seq TO estate_reader;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO estate_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE estate_owner IN SCHEMA app GRANT SELECT ON TABLES TO estate_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE estate_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SELECT format('GRANT SELECT ON LARGE OBJECT %s TO estate_reader; ALTER LARGE OBJECT %s OWNER TO estate_owner; COMMENT ON LARGE OBJECT %s IS %L', oid, oid, oid, 'page') FROM pg_largeobject_metadata \gexec
COMMENT ON SCHEMA app IS '플랫폼';
COMMENT ON COLUMN app.tenant.name IS 'a "name"; -- no comment';
COMMENT ON FUNCTION tools.total(bigint[]) IS E'line\nline';
COMMENT ON CONSTRAINT headed ON app.tenant IS 'circle';
COMMENT ON EVENT TRIGGER guard IS 'guard';
COMMENT ON POLICY own ON app.tenant IS 'own';
COMMENT ON EXTENSION citext IS 'changed';
COMMENT ON DOMAIN app.krw IS '원';
CREATE STATISTICS app.together (mcv, ndistinct) ON tenant, (tools.net(rent)) FROM app.office;
ALTER STATISTICS app.together SET STATISTICS 50;
