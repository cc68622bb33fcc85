-- The only way into the books. Both functions are set-based and run with the rights of their owner; callers need no right on
-- the tables. Locks are taken in one order everywhere: accounts being opened by id, chain heads by partition, balances by id;
-- so batches that overlap wait for each other and never deadlock.

CREATE FUNCTION ledger.open_accounts(
    p_id uuid[], p_mode text[], p_owner text[], p_kind text[], p_currency text[], p_partition integer[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM unnest(p_id) AS wanted (id) WHERE NOT EXISTS (SELECT FROM ledger.balances b WHERE b.account_id = wanted.id)) THEN
        RETURN;
    END IF;

    INSERT INTO ledger.accounts (id, mode, owner, kind, currency, partition)
    SELECT DISTINCT w.id, w.mode, w.owner, w.kind, w.currency, w.partition
    FROM unnest(p_id, p_mode, p_owner, p_kind, p_currency, p_partition) AS w (id, mode, owner, kind, currency, partition)
    WHERE NOT EXISTS (SELECT FROM ledger.accounts a WHERE a.id = w.id)
    ORDER BY w.id
    ON CONFLICT DO NOTHING; -- by id or by what it stands for: another writer may be a moment ahead in either index

    INSERT INTO ledger.balances (account_id)
    SELECT DISTINCT w.id FROM unnest(p_id) AS w (id)
    WHERE NOT EXISTS (SELECT FROM ledger.balances b WHERE b.account_id = w.id)
    ORDER BY w.id
    ON CONFLICT (account_id) DO NOTHING;
END $$;

-- The first line of a journal's canonical text; a line per ledger line follows. Verification rebuilds it in another language.
CREATE FUNCTION ledger.journal_text(
    id uuid, mode text, partition integer, payment uuid, merchant uuid, type text, effective timestamptz, decision boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 'journal|' || concat_ws('|', id, mode, partition, payment, merchant, type, (extract(epoch FROM effective) * 1000000)::bigint, decision::int) || E'\n'
$$;

-- One verdict per journal, in the order given:
--   posted            it is in the books now
--   duplicate         it was there already, with this content
--   conflict          its event was posted with another content: a finding is written, the books stand
--   floor             a decision of ours would bring an account below its floor
--   unknown_account, currency_mismatch, mode_mismatch, invalid   the caller's mistake
-- l_journal is the 1-based position of the line's journal. Everything else of the batch stands.
--
-- Its time grows with the batch and not with its square: lines meet journals by position in arrays of fixed-width elements, both legs
-- of a movement meet by window, and nothing but accounts, balances and posted journals is joined, each by its key.
CREATE FUNCTION ledger.post_journals(
    j_id uuid[], j_partition integer[], j_event_seq bigint[], j_mode text[], j_payment uuid[], j_merchant uuid[], j_type text[],
    j_effective timestamptz[], j_decision boolean[],
    l_journal integer[], l_line integer[], l_id uuid[], l_action text[], l_kind text[], l_debit uuid[], l_credit uuid[],
    l_amount bigint[], l_currency text[])
RETURNS TABLE (item integer, verdict text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp
-- Plans are kept while tables grow from nothing: never settle on reading all of them.
SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_count    integer := coalesce(cardinality(j_id), 0);
    v_verdict  text[];
    v_post     boolean[]; -- v_verdict = 'posted'
    v_content  bytea[];
    v_moves    integer[]; -- movements of each journal
    v_seq      bigint[] := array_fill(NULL::bigint, ARRAY[greatest(v_count, 1)]);
    v_previous bytea[] := array_fill(NULL::bytea, ARRAY[greatest(v_count, 1)]);
    v_hash     bytea[] := array_fill(NULL::bytea, ARRAY[greatest(v_count, 1)]);
    v_posted   timestamptz;
    v_micros   bigint;
    v_head     ledger.chain_heads;
    v_row      record;
    v_broken   uuid;
    v_written  bigint;
BEGIN
    IF v_count = 0 THEN
        RETURN;
    END IF;

    INSERT INTO ledger.chain_heads (partition)
    SELECT DISTINCT p.partition FROM unnest(j_partition) AS p (partition)
    WHERE NOT EXISTS (SELECT FROM ledger.chain_heads h WHERE h.partition = p.partition)
    ORDER BY p.partition
    ON CONFLICT (partition) DO NOTHING;
    PERFORM FROM ledger.chain_heads h WHERE h.partition = ANY (j_partition) ORDER BY h.partition FOR UPDATE;

    -- Verdicts as far as they follow from the content and from what is posted already. A journal's header is its line 0.
    SELECT array_agg(judged.verdict ORDER BY judged.item), array_agg(judged.verdict = 'posted' ORDER BY judged.item),
           array_agg(judged.content ORDER BY judged.item), array_agg(judged.moves ORDER BY judged.item)
    INTO v_verdict, v_post, v_content, v_moves
    FROM (
        SELECT s.item, s.content, s.moves,
            CASE
                WHEN s.invalid THEN 'invalid'
                WHEN s.posted = s.content THEN 'duplicate'
                WHEN s.posted IS NOT NULL THEN 'conflict'
                WHEN s.unknown THEN 'unknown_account'
                WHEN s.currency_mismatch THEN 'currency_mismatch'
                WHEN s.mode_mismatch THEN 'mode_mismatch'
                WHEN first_value(s.item) OVER same = s.item THEN 'posted'
                WHEN first_value(s.content) OVER same = s.content THEN 'duplicate'
                ELSE 'conflict'
            END AS verdict
        FROM (
            SELECT p.item, j_id[p.item] AS id,
                   sha256(convert_to(string_agg(p.text, '' ORDER BY p.line), 'UTF8')) AS content,
                   (SELECT e.content_hash FROM ledger.journals e WHERE e.id = j_id[p.item]) AS posted,
                   (count(*) FILTER (WHERE p.action = 'post'))::integer AS moves,
                   bool_or(p.invalid) OR count(*) < 2 OR count(DISTINCT p.line) <> count(*) AS invalid,
                   bool_or(p.unknown) AS unknown,
                   bool_or(p.currency_mismatch) AS currency_mismatch,
                   min(p.lesser_mode) <> max(p.greater_mode) AS mode_mismatch
            FROM (
                SELECT j.item, 0 AS line, 'journal' AS action,
                       ledger.journal_text(j.id, j.mode, j.partition, j.payment, j.merchant, j.type, j.effective, j.decision) AS text,
                       num_nulls(j.id, j.mode, j.partition, j.payment, j.merchant, j.type, j.effective, j.decision) > 0 AS invalid,
                       false AS unknown, false AS currency_mismatch, j.mode AS lesser_mode, j.mode AS greater_mode
                FROM unnest(j_id, j_partition, j_mode, j_payment, j_merchant, j_type, j_effective, j_decision)
                    WITH ORDINALITY AS j (id, partition, mode, payment, merchant, type, effective, decision, item)
                UNION ALL
                SELECT l.journal, l.line, l.action,
                       concat_ws('|', l.line, l.action, l.kind, l.id, l.debit, l.credit, l.amount, l.currency) || E'\n',
                       num_nulls(l.line, l.action, l.kind, l.id, l.debit, l.credit, l.amount) > 0
                           OR l.line < 1 OR l.amount <= 0 OR l.debit = l.credit OR l.action NOT IN ('post', 'hold', 'release'),
                       d.id IS NULL OR c.id IS NULL,
                       l.currency IS NULL OR d.currency <> l.currency OR c.currency <> l.currency,
                       least(d.mode, c.mode), greatest(d.mode, c.mode)
                FROM unnest(l_journal, l_line, l_id, l_action, l_kind, l_debit, l_credit, l_amount, l_currency)
                    AS l (journal, line, id, action, kind, debit, credit, amount, currency)
                LEFT JOIN ledger.accounts d ON d.id = l.debit
                LEFT JOIN ledger.accounts c ON c.id = l.credit
            ) p
            GROUP BY p.item
        ) s
        WINDOW same AS (PARTITION BY s.id ORDER BY s.item)
    ) judged;
    IF cardinality(v_verdict) <> v_count THEN
        RAISE EXCEPTION 'a line belongs to none of the % journals', v_count;
    END IF;

    PERFORM FROM ledger.balances b
    WHERE b.account_id IN (
        SELECT a.id FROM unnest(l_journal, l_debit, l_credit) AS l (journal, debit, credit), LATERAL (VALUES (l.debit), (l.credit)) AS a (id)
        WHERE v_post[l.journal])
    ORDER BY b.account_id FOR NO KEY UPDATE;

    -- Floors bind decisions only. The earliest decision that breaks one goes, until none does.
    WHILE true = ANY (j_decision) LOOP
        SELECT j_id[w.journal] INTO v_broken
        FROM (
            SELECT l.journal, e.is_debit, k.floor, k.normal,
                   b.credits - b.debits - b.pending_debits + sum(CASE WHEN e.is_debit THEN -l.amount ELSE l.amount END) OVER account AS credit_balance,
                   b.debits - b.credits - b.pending_credits + sum(CASE WHEN e.is_debit THEN l.amount ELSE -l.amount END) OVER account AS debit_balance
            FROM unnest(l_journal, l_line, l_action, l_debit, l_credit, l_amount) AS l (journal, line, action, debit, credit, amount),
                LATERAL (VALUES (l.debit, true), (l.credit, false)) AS e (account_id, is_debit)
            JOIN ledger.balances b ON b.account_id = e.account_id
            JOIN ledger.accounts a ON a.id = e.account_id
            JOIN ledger.account_kinds k ON k.kind = a.kind
            WHERE k.floor IS NOT NULL AND l.action = 'post' AND v_post[l.journal]
            WINDOW account AS (PARTITION BY e.account_id ORDER BY l.journal, l.line)
        ) w
        WHERE j_decision[w.journal]
          AND ((w.normal = 'credit' AND w.is_debit AND w.credit_balance < w.floor) OR (w.normal = 'debit' AND NOT w.is_debit AND w.debit_balance < w.floor))
        ORDER BY w.journal LIMIT 1;
        EXIT WHEN NOT FOUND;
        FOR i IN 1 .. v_count LOOP
            IF j_id[i] = v_broken AND v_verdict[i] IN ('posted', 'duplicate') THEN
                v_verdict[i] := 'floor';
                v_post[i] := false;
            END IF;
        END LOOP;
    END LOOP;

    -- Chain. Time is taken after the locks, so that it grows with the version of every account touched.
    SELECT greatest(clock_timestamp(), max(h.posted_at)) INTO v_posted FROM ledger.chain_heads h WHERE h.partition = ANY (j_partition);
    v_micros := (extract(epoch FROM v_posted) * 1000000)::bigint;
    FOR v_row IN
        SELECT j.item, j.partition, j.event_seq, j.content
        FROM unnest(j_partition, j_event_seq, v_content, v_post) WITH ORDINALITY AS j (partition, event_seq, content, post, item)
        WHERE j.post ORDER BY j.partition, j.item
    LOOP
        IF v_head.partition IS DISTINCT FROM v_row.partition THEN
            IF v_head.partition IS NOT NULL THEN
                UPDATE ledger.chain_heads SET seq = v_head.seq, hash = v_head.hash, posted_at = v_posted WHERE partition = v_head.partition;
            END IF;
            SELECT h.* INTO v_head FROM ledger.chain_heads h WHERE h.partition = v_row.partition;
        END IF;

        v_seq[v_row.item] := v_head.seq + 1;
        v_previous[v_row.item] := v_head.hash;
        v_head.seq := v_head.seq + 1;
        v_head.hash := sha256(v_head.hash || v_row.content
            || convert_to(concat_ws('|', v_row.partition, v_head.seq, v_row.event_seq, v_micros), 'UTF8'));
        v_hash[v_row.item] := v_head.hash;
    END LOOP;
    IF v_head.partition IS NOT NULL THEN
        UPDATE ledger.chain_heads SET seq = v_head.seq, hash = v_head.hash, posted_at = v_posted WHERE partition = v_head.partition;
    END IF;

    INSERT INTO ledger.journals (id, partition, seq, mode, payment_id, merchant_id, event_type, event_seq, decision, movements,
        effective_at, posted_at, content_hash, previous_hash, hash)
    SELECT j.id, j.partition, j.seq, j.mode, j.payment, j.merchant, j.type, j.event_seq, j.decision, j.moves,
        j.effective, v_posted, j.content, j.previous, j.hash
    FROM unnest(j_id, j_partition, v_seq, j_mode, j_payment, j_merchant, j_type, j_event_seq, j_decision, v_moves,
            j_effective, v_content, v_previous, v_hash, v_post)
        AS j (id, partition, seq, mode, payment, merchant, type, event_seq, decision, moves, effective, content, previous, hash, post)
    WHERE j.post;

    -- Running balances by window function over both legs of every movement, starting from the locked fold; then the credit leg is
    -- brought beside the debit leg of its movement.
    INSERT INTO ledger.movements (id, journal_id, line, kind, debit_account_id, credit_account_id, amount, currency,
        debit_version, debit_balance, credit_version, credit_balance, effective_at, posted_at)
    SELECT m.id, j_id[m.journal], m.line, m.kind, m.debit, m.credit, m.amount, m.currency,
        m.version, m.balance, m.credit_version, m.credit_balance, j_effective[m.journal], v_posted
    FROM (
        SELECT r.*, lead(r.version) OVER movement AS credit_version, lead(r.balance) OVER movement AS credit_balance
        FROM (
            SELECT l.*, e.is_debit, b.version + row_number() OVER account AS version,
                   (b.debits - b.credits + sum(CASE WHEN e.is_debit THEN l.amount ELSE -l.amount END) OVER account)::bigint AS balance
            FROM unnest(l_journal, l_line, l_id, l_action, l_kind, l_debit, l_credit, l_amount, l_currency)
                    AS l (journal, line, id, action, kind, debit, credit, amount, currency)
            CROSS JOIN LATERAL (VALUES (l.debit, true), (l.credit, false)) AS e (account_id, is_debit)
            JOIN ledger.balances b ON b.account_id = e.account_id
            WHERE l.action = 'post' AND v_post[l.journal]
            WINDOW account AS (PARTITION BY e.account_id ORDER BY l.journal, l.line)
        ) r
        WINDOW movement AS (PARTITION BY r.journal, r.line ORDER BY r.is_debit DESC)
    ) m
    WHERE m.is_debit
    ORDER BY m.journal, m.line;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written <> (SELECT coalesce(sum(j.moves), 0) FROM unnest(v_moves, v_post) AS j (moves, post) WHERE j.post) THEN
        RAISE EXCEPTION 'ledger.post_journals wrote % movements and was to write others', v_written;
    END IF;

    INSERT INTO ledger.pending_transfers (id, journal_id, line, action, kind, payment_id, debit_account_id, credit_account_id,
        amount, currency, effective_at, posted_at)
    SELECT l.id, j_id[l.journal], l.line, l.action, l.kind, j_payment[l.journal], l.debit, l.credit, l.amount, l.currency,
        j_effective[l.journal], v_posted
    FROM unnest(l_journal, l_line, l_id, l_action, l_kind, l_debit, l_credit, l_amount, l_currency)
        AS l (journal, line, id, action, kind, debit, credit, amount, currency)
    WHERE v_post[l.journal] AND l.action <> 'post';

    UPDATE ledger.balances b
    SET version = b.version + f.movements, debits = b.debits + f.debits, credits = b.credits + f.credits,
        pending_debits = b.pending_debits + f.pending_debits, pending_credits = b.pending_credits + f.pending_credits
    FROM (
        SELECT e.account_id,
            count(*) FILTER (WHERE l.action = 'post') AS movements,
            coalesce(sum(l.amount) FILTER (WHERE l.action = 'post' AND e.is_debit), 0) AS debits,
            coalesce(sum(l.amount) FILTER (WHERE l.action = 'post' AND NOT e.is_debit), 0) AS credits,
            coalesce(sum(CASE l.action WHEN 'hold' THEN l.amount WHEN 'release' THEN -l.amount END) FILTER (WHERE e.is_debit), 0) AS pending_debits,
            coalesce(sum(CASE l.action WHEN 'hold' THEN l.amount WHEN 'release' THEN -l.amount END) FILTER (WHERE NOT e.is_debit), 0) AS pending_credits
        FROM unnest(l_journal, l_action, l_debit, l_credit, l_amount) AS l (journal, action, debit, credit, amount),
            LATERAL (VALUES (l.debit, true), (l.credit, false)) AS e (account_id, is_debit)
        WHERE v_post[l.journal]
        GROUP BY e.account_id
    ) f
    WHERE b.account_id = f.account_id;

    IF 'conflict' = ANY (v_verdict) THEN
        INSERT INTO ledger.findings (kind, subject, detail)
        SELECT DISTINCT 'posting_conflict', j.id::text, 'The event was posted before with another content.'
        FROM unnest(j_id, v_verdict) AS j (id, verdict) WHERE j.verdict = 'conflict'
        ON CONFLICT (kind, subject) DO UPDATE SET last_seen_at = now(), resolved_at = NULL;
    END IF;

    RETURN QUERY SELECT i.item::integer, i.verdict FROM unnest(v_verdict) WITH ORDINALITY AS i (verdict, item) ORDER BY i.item;
END $$;
