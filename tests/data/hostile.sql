-- Names that break careless programs: what a backup must be able to carry. Runs in any database, PostgreSQL 15 or newer.
-- The names of databases themselves are in tests/world/samples.py.

CREATE SCHEMA "has space";
CREATE SCHEMA "한국어 스키마";
CREATE SCHEMA "-dash";
CREATE SCHEMA "sch""ema.with.dots";
CREATE SCHEMA "back\slash";
SELECT E'new\nline' AS newline_name \gset
CREATE SCHEMA :"newline_name";

CREATE TABLE public."select" ("from" integer PRIMARY KEY, "where" text NOT NULL);
INSERT INTO public."select" SELECT n, 'row ' || n FROM generate_series(1, 25) AS n;

CREATE TABLE "has space"."two words" (id integer PRIMARY KEY, "a column" text);
INSERT INTO "has space"."two words" VALUES (1, 'plain'), (2, NULL), (3, '');

CREATE TABLE "한국어 스키마"."급여 원장" ("번호" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "내용" text);
INSERT INTO "한국어 스키마"."급여 원장" ("내용") VALUES ('홍길동'), ('이월 — 조정'), ('합계: ₩1,234,567');

CREATE TABLE "-dash"."--schema=public" (id integer, note text);
INSERT INTO "-dash"."--schema=public" VALUES (1, '-'), (2, '--'), (3, '\.');

CREATE TABLE "sch""ema.with.dots"."ta""ble.'quoted'" (id serial PRIMARY KEY, "col""umn" text, "it's" text);
INSERT INTO "sch""ema.with.dots"."ta""ble.'quoted'" ("col""umn", "it's") VALUES ('"', ''''), (E'\\', E'\t');

CREATE TABLE "back\slash"."C:\temp\n" (id integer PRIMARY KEY, path text);
INSERT INTO "back\slash"."C:\temp\n" VALUES (1, 'C:\temp'), (2, E'line one\nline two'), (3, E'\\N');

SELECT E'table\nwith newline' AS newline_table \gset
CREATE TABLE :"newline_name".:"newline_table" (id integer PRIMARY KEY, note text);
INSERT INTO :"newline_name".:"newline_table" VALUES (1, E'\r\n'), (2, E'\f');

CREATE TABLE public."$HOME; `id` && rm * | %s #" (id integer PRIMARY KEY);
INSERT INTO public."$HOME; `id` && rm * | %s #" SELECT generate_series(1, 4);

CREATE TABLE public."MixedCase" (id integer PRIMARY KEY, refers integer REFERENCES public."select" ("from"));
CREATE TABLE public.mixedcase (id integer PRIMARY KEY);
INSERT INTO public."MixedCase" VALUES (1, 1), (2, 25);
INSERT INTO public.mixedcase VALUES (7);

CREATE TABLE public."name_of_63_bytes_________________________________________________" (id integer PRIMARY KEY);
CREATE TABLE public.no_columns ();
INSERT INTO public.no_columns DEFAULT VALUES;
CREATE TABLE public."empty table" (id integer PRIMARY KEY, note text);
CREATE VIEW public."a view, with comma" AS SELECT count(*) AS "how many?" FROM public."select";
CREATE SEQUENCE public."seq'uence" START 41;
SELECT nextval('public."seq''uence"');
COMMENT ON TABLE public."select" IS E'a comment\nin two lines; with a \\connect in it';
