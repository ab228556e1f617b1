-- What works for years and stops pg_restore by itself: functions that name no schema in indexes, checks, generated columns and
-- materialised views, checks that look into other tables. Runs in an empty database of PostgreSQL 15 with its contrib.
CREATE SCHEMA shop;
CREATE EXTENSION unaccent;
CREATE EXTENSION cube SCHEMA shop;
SET search_path = shop, public;
CREATE EXTENSION earthdistance SCHEMA shop;
CREATE FUNCTION public.plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(unaccent(''unaccent'', $1))';
CREATE FUNCTION rate() RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN (SELECT max(percent) FROM zz_rates); END$$;
CREATE FUNCTION is_known(text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RETURN EXISTS (SELECT FROM zz_rates WHERE code = $1); END$$;
CREATE TABLE zz_rates (code text PRIMARY KEY, percent numeric CHECK (percent >= 0));
INSERT INTO zz_rates VALUES ('kr', 10), ('de', 19);
CREATE TABLE aa_store (
    id integer PRIMARY KEY, name text, lat float8, lon float8, code text, plain text GENERATED ALWAYS AS (public.plain(name)) STORED,
    CONSTRAINT code_is_known CHECK (is_known(code)), CHECK (id > 0)
);
COMMENT ON CONSTRAINT code_is_known ON aa_store IS 'looks elsewhere';
INSERT INTO aa_store SELECT n, 'Café ' || n, n / 10.0, n / 5.0, 'kr' FROM generate_series(1, 300) AS n;
CREATE INDEX aa_store_place ON aa_store USING gist (ll_to_earth(lat, lon));
CREATE INDEX aa_store_plain ON aa_store (public.plain(name));
CREATE MATERIALIZED VIEW taxed AS SELECT id, id * rate() AS tax FROM aa_store;
CREATE TABLE bb_store (LIKE aa_store INCLUDING ALL);  -- two large ones keep both of pg_restore's jobs from the small one
INSERT INTO bb_store (id, name, lat, lon, code) SELECT id, name, lat, lon, code FROM aa_store;
