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
    v_content  bytea[];
    v_wanted   integer[];
    v_seq      bigint[] := array_fill(NULL::bigint, ARRAY[greatest(v_count, 1)]);
    v_previous bytea[] := array_fill(NULL::bytea, ARRAY[greatest(v_count, 1)]);
    v_hash     bytea[] := array_fill(NULL::bytea, ARRAY[greatest(v_count, 1)]);
    v_posted   timestamptz;
    v_micros   bigint;
    v_head     ledger.chain_heads;
    v_row      record;
    v_broken   uuid;
    v_lines    bigint;
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

    -- Verdicts as far as they follow from the content and from what is posted already.
    SELECT array_agg(judged.verdict ORDER BY judged.item), array_agg(judged.content ORDER BY judged.item)
    INTO v_verdict, v_content
    FROM (
        SELECT j.item, s.content,
            CASE
                WHEN s.content IS NULL OR s.invalid THEN 'invalid'
                WHEN e.content_hash = s.content THEN 'duplicate'
                WHEN e.content_hash IS NOT NULL THEN 'conflict'
                WHEN s.unknown THEN 'unknown_account'
                WHEN s.currency_mismatch THEN 'currency_mismatch'
                WHEN s.mode_mismatch THEN 'mode_mismatch'
                WHEN first_value(j.item) OVER same = j.item THEN 'posted'
                WHEN first_value(s.content) OVER same = s.content THEN 'duplicate'
                ELSE 'conflict'
            END AS verdict
        FROM unnest(j_id, j_partition, j_mode, j_payment, j_merchant, j_type, j_effective, j_decision)
            WITH ORDINALITY AS j (id, partition, mode, payment, merchant, type, effective, decision, item)
        LEFT JOIN (
            SELECT l.journal, sha256(convert_to(ledger.journal_text(
                       h.id, h.mode, h.partition, h.payment, h.merchant, h.type, h.effective, h.decision) || string_agg(
                       concat_ws('|', l.line, l.action, l.kind, l.id, l.debit, l.credit, l.amount, l.currency) || E'\n', '' ORDER BY l.line), 'UTF8')) AS content,
                   bool_or(l.amount IS NULL OR l.amount <= 0 OR l.debit IS NULL OR l.credit IS NULL OR l.debit = l.credit OR l.id IS NULL OR l.kind IS NULL
                       OR l.line IS NULL OR l.line < 1 OR l.action IS NULL OR l.action NOT IN ('post', 'hold', 'release')) OR count(DISTINCT l.line) <> count(*) AS invalid,
                   bool_or(d.id IS NULL OR c.id IS NULL) AS unknown,
                   bool_or(d.currency <> l.currency OR c.currency <> l.currency OR l.currency IS NULL) AS currency_mismatch,
                   bool_or(d.mode <> h.mode OR c.mode <> h.mode) AS mode_mismatch
            FROM unnest(l_journal, l_line, l_id, l_action, l_kind, l_debit, l_credit, l_amount, l_currency)
                AS l (journal, line, id, action, kind, debit, credit, amount, currency)
            JOIN unnest(j_id, j_partition, j_mode, j_payment, j_merchant, j_type, j_effective, j_decision)
                WITH ORDINALITY AS h (id, partition, mode, payment, merchant, type, effective, decision, item) ON h.item = l.journal
            LEFT JOIN ledger.accounts d ON d.id = l.debit
            LEFT JOIN ledger.accounts c ON c.id = l.credit
            GROUP BY l.journal, h.id, h.mode, h.partition, h.payment, h.merchant, h.type, h.effective, h.decision
        ) s ON s.journal = j.item
        LEFT JOIN LATERAL (SELECT content_hash FROM ledger.journals p WHERE p.id = j.id) e ON true
        WINDOW same AS (PARTITION BY j.id ORDER BY j.item)
    ) judged;

    PERFORM FROM ledger.balances b
    WHERE b.account_id IN (
        SELECT a.id FROM unnest(l_journal, l_debit, l_credit) AS l (journal, debit, credit), LATERAL (VALUES (l.debit), (l.credit)) AS a (id)
        WHERE v_verdict[l.journal] = 'posted')
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
            WHERE k.floor IS NOT NULL AND l.action = 'post' AND v_verdict[l.journal] = 'posted'
            WINDOW account AS (PARTITION BY e.account_id ORDER BY l.journal, l.line)
        ) w
        WHERE j_decision[w.journal]
          AND ((w.normal = 'credit' AND w.is_debit AND w.credit_balance < w.floor) OR (w.normal = 'debit' AND NOT w.is_debit AND w.debit_balance < w.floor))
        ORDER BY w.journal LIMIT 1;
        EXIT WHEN NOT FOUND;
        FOR i IN 1 .. v_count LOOP
            IF j_id[i] = v_broken AND v_verdict[i] IN ('posted', 'duplicate') THEN
                v_verdict[i] := 'floor';
            END IF;
        END LOOP;
    END LOOP;

    -- Chain. Time is taken after the locks, so that it grows with the version of every account touched.
    SELECT greatest(clock_timestamp(), max(h.posted_at)) INTO v_posted FROM ledger.chain_heads h WHERE h.partition = ANY (j_partition);
    v_micros := (extract(epoch FROM v_posted) * 1000000)::bigint;
    FOR v_row IN
        SELECT j.item, j.partition, j.event_seq FROM unnest(j_partition, j_event_seq) WITH ORDINALITY AS j (partition, event_seq, item)
        WHERE v_verdict[j.item] = 'posted' ORDER BY j.partition, j.item
    LOOP
        IF v_head.partition IS DISTINCT FROM v_row.partition THEN
            UPDATE ledger.chain_heads SET seq = v_head.seq, hash = v_head.hash, posted_at = v_posted WHERE partition = v_head.partition;
            SELECT h.* INTO v_head FROM ledger.chain_heads h WHERE h.partition = v_row.partition;
        END IF;

        v_seq[v_row.item] := v_head.seq + 1;
        v_previous[v_row.item] := v_head.hash;
        v_head.seq := v_head.seq + 1;
        v_head.hash := sha256(v_head.hash || v_content[v_row.item]
            || convert_to(concat_ws('|', v_row.partition, v_head.seq, v_row.event_seq, v_micros), 'UTF8'));
        v_hash[v_row.item] := v_head.hash;
    END LOOP;
    UPDATE ledger.chain_heads SET seq = v_head.seq, hash = v_head.hash, posted_at = v_posted WHERE partition = v_head.partition;

    INSERT INTO ledger.journals (id, partition, seq, mode, payment_id, merchant_id, event_type, event_seq, decision, movements,
        effective_at, posted_at, content_hash, previous_hash, hash)
    SELECT j.id, j.partition, v_seq[j.item], j.mode, j.payment, j.merchant, j.type, j.event_seq, j.decision,
        coalesce(m.movements, 0),
        j.effective, v_posted, v_content[j.item], v_previous[j.item], v_hash[j.item]
    FROM unnest(j_id, j_partition, j_mode, j_payment, j_merchant, j_type, j_event_seq, j_effective, j_decision)
        WITH ORDINALITY AS j (id, partition, mode, payment, merchant, type, event_seq, effective, decision, item)
    LEFT JOIN (
        SELECT l.journal, count(*) AS movements FROM unnest(l_journal, l_action) AS l (journal, action) WHERE l.action = 'post' GROUP BY l.journal
    ) m ON m.journal = j.item
    WHERE v_verdict[j.item] = 'posted';

    -- Running balances by window function over both legs of every movement, starting from the locked fold.
    SELECT count(*) FILTER (WHERE l.action = 'post') INTO v_lines
    FROM unnest(l_journal, l_action) AS l (journal, action) WHERE v_verdict[l.journal] = 'posted';
    WITH line AS (
        SELECT l.*, row_number() OVER (ORDER BY l.journal, l.line) AS place
        FROM unnest(l_journal, l_line, l_id, l_action, l_kind, l_debit, l_credit, l_amount, l_currency)
            AS l (journal, line, id, action, kind, debit, credit, amount, currency)
        WHERE v_verdict[l.journal] = 'posted' AND l.action = 'post'
    ), leg AS (
        SELECT place, debit AS account_id, amount, true AS is_debit FROM line
        UNION ALL
        SELECT place, credit, -amount, false FROM line
    ), running AS (
        SELECT g.place, g.is_debit, b.version + row_number() OVER account AS version,
               (b.debits - b.credits + sum(g.amount) OVER account)::bigint AS balance
        FROM leg g JOIN ledger.balances b ON b.account_id = g.account_id
        WINDOW account AS (PARTITION BY g.account_id ORDER BY g.place)
    )
    INSERT INTO ledger.movements (id, journal_id, line, kind, debit_account_id, credit_account_id, amount, currency,
        debit_version, debit_balance, credit_version, credit_balance, effective_at, posted_at)
    SELECT line.id, j_id[line.journal], line.line, line.kind, line.debit, line.credit, line.amount, line.currency,
        d.version, d.balance, c.version, c.balance, j_effective[line.journal], v_posted
    FROM line
    JOIN running d ON d.place = line.place AND d.is_debit
    JOIN running c ON c.place = line.place AND NOT c.is_debit
    ORDER BY line.place;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written <> v_lines THEN
        RAISE EXCEPTION 'ledger.post_journals wrote % movements of %', v_written, v_lines;
    END IF;

    INSERT INTO ledger.pending_transfers (id, journal_id, line, action, kind, payment_id, debit_account_id, credit_account_id,
        amount, currency, effective_at, posted_at)
    SELECT l.id, j_id[l.journal], l.line, l.action, l.kind, j_payment[l.journal], l.debit, l.credit, l.amount, l.currency,
        j_effective[l.journal], v_posted
    FROM unnest(l_journal, l_line, l_id, l_action, l_kind, l_debit, l_credit, l_amount, l_currency)
        AS l (journal, line, id, action, kind, debit, credit, amount, currency)
    WHERE v_verdict[l.journal] = 'posted' AND l.action <> 'post';

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
        WHERE v_verdict[l.journal] = 'posted'
        GROUP BY e.account_id
    ) f
    WHERE b.account_id = f.account_id;

    INSERT INTO ledger.findings (kind, subject, detail)
    SELECT DISTINCT 'posting_conflict', j.id::text, 'The event was posted before with another content.'
    FROM unnest(j_id, v_verdict) AS j (id, verdict) WHERE j.verdict = 'conflict'
    ON CONFLICT (kind, subject) DO UPDATE SET last_seen_at = now(), resolved_at = NULL;

    RETURN QUERY SELECT i.item::integer, i.verdict FROM unnest(v_verdict) WITH ORDINALITY AS i (verdict, item) ORDER BY i.item;
END $$;
