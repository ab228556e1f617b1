-- Read before each database's own file. The numbers are random to the eye and the same in every demo: a hash of a counter.
CREATE FUNCTION pg_temp.roll(counter bigint, salt int, sides int) RETURNS int LANGUAGE sql IMMUTABLE
    AS $$ SELECT (abs(hashint8extended(counter, salt) % sides))::int $$;

CREATE FUNCTION pg_temp.korean_name(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY['김','이','박','최','정','강','조','윤','장','임','한','오','서','신','권','황'])[1 + pg_temp.roll(n, 901, 16)]
        || (ARRAY['민준','서연','도윤','하은','지호','서윤','예준','지민','주원','수아','현우','지유','은우','채원','시우','다은',
                  '준서','유진','건우','소율','태현','나연','성민','보라'])[1 + pg_temp.roll(n, 902, 24)] $$;

CREATE FUNCTION pg_temp.english_name(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY['Minjun','Seoyeon','Doyun','Haeun','Jiho','Seoyun','Yejun','Jimin','Juwon','Sua','Hyunwoo','Jiyu','Eunwoo',
                  'Chaewon','Siwoo','Daeun','Junseo','Yujin','Gunwoo','Soyul','Taehyun','Nayeon','Sungmin','Bora'])
               [1 + pg_temp.roll(n, 902, 24)] || ' '
        || (ARRAY['Kim','Lee','Park','Choi','Jung','Kang','Cho','Yoon','Jang','Lim','Han','Oh','Seo','Shin','Kwon','Hwang'])
               [1 + pg_temp.roll(n, 901, 16)] $$;

CREATE FUNCTION pg_temp.company(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY['한빛','가온','누리','다온','미래','새봄','아라','온새미','푸른','해든','Northwind','Blue Harbor','Cedar & Co.',
                  'Seven Hills','Lumen','Orchard'])[1 + pg_temp.roll(n, 911, 16)] || ' '
        || (ARRAY['물산','테크','파트너스','캐피탈','솔루션','Labs','Logistics','Holdings'])[1 + pg_temp.roll(n, 912, 8)] $$;
