-- A stand-in for ParadeDB's extension pg_search 0.27, by its published interface: what a search needs of it, and what it
-- refuses. An access method `bm25` in which nothing is looked up, tokenizers with options, and operators and a score that
-- work row by row. Words are those of the configuration `english`; a score counts words by weight and has no idf.

CREATE SCHEMA pdb;
CREATE SCHEMA paradedb;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    SELECT 4000000000::oid, 'pg_search', 10, oid, false, '0.27.0' FROM pg_namespace WHERE nspname = 'paradedb';

-- Tokenizers: types of text whose modifiers are options.
CREATE FUNCTION pdb.options(given cstring[]) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE option text; of text[];
BEGIN
    FOREACH option IN ARRAY string_to_array(array_to_string(given, chr(1)), chr(1)) LOOP
        of := string_to_array(option, '=');
        IF of[1] = 'stemmer' AND of[2] IN ('arabic', 'czech', 'danish', 'dutch', 'english', 'finnish', 'french', 'german',
                'greek', 'hungarian', 'italian', 'norwegian', 'polish', 'portuguese', 'romanian', 'russian', 'spanish',
                'swedish', 'tamil', 'turkish')
            OR of[1] = 'ascii_folding' AND of[2] IN ('true', 'false')
            OR of[1] = 'k1' AND of[2]::real >= 0
            OR of[1] = 'b' AND of[2]::real BETWEEN 0 AND 1 THEN
            CONTINUE;
        END IF;
        RAISE EXCEPTION 'a tokenizer has no option %', option;
    END LOOP;
    RETURN 1;
END $$;

CREATE TYPE pdb.unicode_words;
CREATE FUNCTION pdb.words_in(cstring) RETURNS pdb.unicode_words LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pdb.words_out(pdb.unicode_words) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE pdb.unicode_words (INPUT = pdb.words_in, OUTPUT = pdb.words_out, LIKE = text, TYPMOD_IN = pdb.options);
CREATE CAST (text AS pdb.unicode_words) WITH INOUT AS IMPLICIT;

CREATE TYPE pdb.literal;
CREATE FUNCTION pdb.literal_in(cstring) RETURNS pdb.literal LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pdb.literal_out(pdb.literal) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE pdb.literal (INPUT = pdb.literal_in, OUTPUT = pdb.literal_out, LIKE = text);

CREATE CAST (text AS pdb.literal) WITH INOUT AS IMPLICIT;

-- An index that takes values of any length, in which nothing is ever looked up.
CREATE ACCESS METHOD bm25 TYPE INDEX HANDLER brinhandler;
CREATE FUNCTION pdb.hash(pdb.unicode_words) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'hashvarlena';
CREATE FUNCTION pdb.hash(pdb.literal) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'hashvarlena';
DO $$
DECLARE of text; hash text;
BEGIN
    FOR of, hash IN VALUES ('pdb.unicode_words', 'pdb.hash'), ('pdb.literal', 'pdb.hash'), ('text', 'hashtext'), ('int8', 'hashint8') LOOP
        EXECUTE format('CREATE OPERATOR CLASS %s DEFAULT FOR TYPE %s USING bm25 AS FUNCTION 1 brin_bloom_opcinfo(internal), '
            'FUNCTION 2 brin_bloom_add_value(internal, internal, internal, internal), '
            'FUNCTION 3 brin_bloom_consistent(internal, internal, internal, int4), '
            'FUNCTION 4 brin_bloom_union(internal, internal, internal), FUNCTION 11 %s(%2$s)',
            'pdb.' || replace(of, 'pdb.', ''), of, hash);
    END LOOP;
END $$;

CREATE FUNCTION pdb.one_of_a_table() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
            WHERE m.amname = 'bm25' GROUP BY i.indrelid HAVING count(*) > 1) THEN
        RAISE EXCEPTION 'a table can only have one bm25 index';
    END IF;
END $$;
CREATE EVENT TRIGGER one_of_a_table ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION pdb.one_of_a_table();

-- Queries: text of the form WEIGHT|KIND|TEXT, where WEIGHT and KIND may be missing.
CREATE TYPE pdb.query;
CREATE FUNCTION pdb.query_in(cstring) RETURNS pdb.query LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pdb.query_out(pdb.query) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE pdb.query (INPUT = pdb.query_in, OUTPUT = pdb.query_out, LIKE = text);

CREATE FUNCTION pdb.weight(given cstring[]) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE weight real := array_to_string(given, '|')::real;
BEGIN
    IF weight NOT BETWEEN 0 AND 2048 THEN
        RAISE EXCEPTION 'a weight of % would be cut', weight;
    END IF;
    RETURN weight * 10000;
END $$;
CREATE TYPE pdb.boost;
CREATE FUNCTION pdb.boost_in(cstring) RETURNS pdb.boost LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pdb.boost_out(pdb.boost) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE pdb.boost (INPUT = pdb.boost_in, OUTPUT = pdb.boost_out, LIKE = text, TYPMOD_IN = pdb.weight);
CREATE FUNCTION pdb.boosted(pdb.boost, int, bool) RETURNS pdb.boost LANGUAGE sql IMMUTABLE AS
    $$ SELECT ($2 / 10000.0 || '|words|' || $1::text)::pdb.boost $$;
CREATE FUNCTION pdb.boosted(pdb.query, int, bool) RETURNS pdb.boost LANGUAGE sql IMMUTABLE AS
    $$ SELECT ($2 / 10000.0 || '|' || $1::text)::pdb.boost $$;
CREATE CAST (pdb.boost AS pdb.boost) WITH FUNCTION pdb.boosted(pdb.boost, int, bool) AS IMPLICIT;
CREATE CAST (pdb.query AS pdb.boost) WITH FUNCTION pdb.boosted(pdb.query, int, bool) AS ASSIGNMENT;
CREATE CAST (pdb.boost AS pdb.query) WITHOUT FUNCTION AS IMPLICIT;

CREATE FUNCTION pdb.regex(pattern text) RETURNS pdb.query LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF pattern ~ '[*+?]\?' OR pattern ~ '\\[bB<>]' THEN
        RAISE EXCEPTION 'neither lazy quantifiers nor word boundaries: %', pattern;
    END IF;
    RETURN ('regex|' || pattern)::pdb.query;
END $$;

-- Searching, row by row. What a row has is added up until its score is asked for.
CREATE FUNCTION pdb.words_of(anyelement) RETURNS tsvector LANGUAGE sql IMMUTABLE AS
    $$ SELECT to_tsvector('english', regexp_replace($1::text, '[^[:alnum:]]+', ' ', 'g')) $$;

CREATE FUNCTION pdb.add(score float8) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('stand_in.score', (coalesce(nullif(current_setting('stand_in.score', true), ''), '0')::float8 + score)::text, false);
    RETURN true;
END $$;

CREATE FUNCTION pdb.score(reference anyelement) RETURNS real LANGUAGE plpgsql AS $$
DECLARE score text := current_setting('stand_in.score', true);
BEGIN
    IF coalesce(score, '') = '' THEN
        RAISE EXCEPTION 'Unsupported query shape';
    END IF;
    PERFORM set_config('stand_in.score', '', false);
    RETURN score::real;
END $$;

CREATE FUNCTION pdb.has_any(field anyelement, query text, weight float8) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE found bigint;
BEGIN
    SELECT count(*) INTO found FROM unnest(pdb.words_of(field)) f
        WHERE f.lexeme = ANY(tsvector_to_array(pdb.words_of(query)));
    RETURN found > 0 AND pdb.add(weight * found);
END $$;

CREATE FUNCTION pdb.has_phrase(field anyelement, query text, weight float8) RETURNS bool LANGUAGE sql AS $$
    SELECT pdb.words_of(field) @@ phraseto_tsquery('english', regexp_replace(query, '[^[:alnum:]]+', ' ', 'g'))
        AND pdb.add(weight)
$$;

-- What a query with a weight is, made for its values: others are refused.
CREATE FUNCTION pdb.weighed(query text, OUT weight float8, OUT kind text, OUT words text) LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('plan_cache_mode') <> 'force_custom_plan' THEN
        RAISE EXCEPTION 'a plan for any values has no weights';
    END IF;
    weight := split_part(query, '|', 1);
    kind := split_part(query, '|', 2);
    words := substr(query, length(split_part(query, '|', 1)) + length(kind) + 3);
END $$;

CREATE FUNCTION pdb.any_text(anyelement, text) RETURNS bool LANGUAGE sql COST 1000000 AS $$ SELECT pdb.has_any($1, $2, 1) $$;
CREATE FUNCTION pdb.any_boost(anyelement, pdb.boost) RETURNS bool LANGUAGE sql COST 1000000 AS
    $$ SELECT pdb.has_any($1, w.words, w.weight) FROM pdb.weighed($2::text) w $$;
CREATE FUNCTION pdb.phrase_text(anyelement, text) RETURNS bool LANGUAGE sql COST 1000 AS $$ SELECT pdb.has_phrase($1, $2, 0) $$;
CREATE FUNCTION pdb.phrase_boost(anyelement, pdb.boost) RETURNS bool LANGUAGE sql COST 1000 AS
    $$ SELECT pdb.has_phrase($1, w.words, w.weight) FROM pdb.weighed($2::text) w $$;
CREATE FUNCTION pdb.query_matches(anyelement, pdb.query) RETURNS bool LANGUAGE plpgsql COST 1000 AS $$
DECLARE query text := $2::text; weight float8 := 1; pattern text;
BEGIN
    IF query ~ '^[0-9.]+\|' THEN
        SELECT w.weight, w.words INTO weight, pattern FROM pdb.weighed(query) w;
    ELSE
        pattern := substr(query, length('regex|') + 1);
    END IF;
    RETURN EXISTS (SELECT FROM unnest(pdb.words_of($1)) f WHERE f.lexeme ~ ('^(' || pattern || ')$')) AND pdb.add(weight);
END $$;

CREATE OPERATOR public.||| (LEFTARG = anyelement, RIGHTARG = text, FUNCTION = pdb.any_text);
CREATE OPERATOR public.||| (LEFTARG = anyelement, RIGHTARG = pdb.boost, FUNCTION = pdb.any_boost);
CREATE OPERATOR public.### (LEFTARG = anyelement, RIGHTARG = text, FUNCTION = pdb.phrase_text);
CREATE OPERATOR public.### (LEFTARG = anyelement, RIGHTARG = pdb.boost, FUNCTION = pdb.phrase_boost);
CREATE OPERATOR public.@@@ (LEFTARG = anyelement, RIGHTARG = pdb.query, FUNCTION = pdb.query_matches);
