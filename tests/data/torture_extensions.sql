-- What needs postgresql-contrib or a server with libxml. Runs after torture.sql.
CREATE EXTENSION pgcrypto;
CREATE EXTENSION citext;
CREATE EXTENSION hstore SCHEMA "has space";
CREATE EXTENSION btree_gist;
CREATE TABLE extended (mail citext PRIMARY KEY, bag "has space".hstore, digest bytea, room integer, span daterange, EXCLUDE USING gist (room WITH =, span WITH &&));
INSERT INTO extended VALUES ('Who@Where', '"a"=>"1", "b"=>NULL', digest('x', 'sha256'), 1, '[2026-01-01,2026-02-01)'), ('other', '', NULL, NULL, NULL);
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE TABLE markup (tree xml);
INSERT INTO markup VALUES ('<a b="c">텍스트</a>'), (NULL);
