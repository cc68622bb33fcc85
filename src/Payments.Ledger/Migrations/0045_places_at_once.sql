-- Posting finds the places of all lines' accounts in one statement. Where each line asked for its own, the list of accounts, which is a variable,
-- was copied for each question, so that a batch cost its lines times its accounts. And it locks accounts only when what is to be written is known
-- (texts and their hashes need no lock), each by a question of its own: of one question for all, every row that another posting had changed
-- meanwhile was compared with the whole list again. Everything else is as in 0044.

CREATE OR REPLACE FUNCTION ledger.post_journals(
    j_id uuid[], j_partition integer[], j_event_seq bigint[], j_mode text[], j_payment uuid[], j_merchant uuid[], j_type text[],
    j_effective timestamptz[], j_decision boolean[],
    l_journal integer[], l_line integer[], l_id uuid[], l_action text[], l_kind text[], l_debit uuid[], l_credit uuid[],
    l_amount bigint[], l_currency text[])
RETURNS TABLE (item integer, verdict text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp
-- Plans are kept while tables grow from nothing: rows are met by key, never by reading all of a table or of an index.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_count    CONSTANT integer := coalesce(cardinality(j_id), 0);
    v_lines    CONSTANT integer := coalesce(cardinality(l_journal), 0);
    v_verdict  text[] := array_fill(NULL::text, ARRAY[v_count]);
    v_post     boolean[] := array_fill(false, ARRAY[v_count]); -- v_verdict = 'posted'
    v_content  bytea[] := array_fill(NULL::bytea, ARRAY[v_count]);
    v_moves    integer[] := array_fill(0, ARRAY[v_count]); -- movements of each journal
    v_seq      bigint[] := array_fill(NULL::bigint, ARRAY[v_count]);
    v_previous bytea[] := v_content;
    v_hash     bytea[] := v_content;

    -- The chain heads of the batch, by partition; its accounts, by id; those of its journals that are in the books already, by id.
    h_partition integer[];
    h_seq       bigint[];
    h_hash      bytea[];
    a_id        uuid[];
    a_mode      text[];
    a_currency  text[];
    a_normal    text[];
    a_room      bigint[]; -- what stands above the floor
    a_version   bigint[];
    a_debits    bigint[];
    a_credits   bigint[];
    a_pending_debits  bigint[];
    a_pending_credits bigint[];
    k_id        uuid[];
    k_content   bytea[];

    -- Of each line: the places of its accounts, and how these stand after it.
    m_debit          integer[];
    m_credit         integer[];
    m_debit_version  bigint[] := array_fill(NULL::bigint, ARRAY[v_lines]);
    m_debit_balance  bigint[] := m_debit_version;
    m_credit_version bigint[] := m_debit_version;
    m_credit_balance bigint[] := m_debit_version;

    v_ids      uuid[];
    v_repeated boolean;
    v_text     text;
    v_invalid  boolean;
    v_unknown  boolean;
    v_currency boolean;
    v_mode     boolean;
    v_line     integer := 1;
    v_number   integer;
    v_place    integer;
    v_debit    integer;
    v_credit   integer;
    v_amount   bigint;
    v_broken   uuid;
    v_posted   timestamptz;
    v_micros   bigint;
    v_moved    bigint := 0;
    v_written  bigint;
BEGIN
    IF v_count = 0 THEN
        RETURN;
    END IF;

    IF NOT j_partition <@ ARRAY(SELECT h.partition FROM ledger.chain_heads h) THEN
        INSERT INTO ledger.chain_heads (partition)
        SELECT DISTINCT p.partition FROM unnest(j_partition) AS p (partition)
        WHERE NOT EXISTS (SELECT FROM ledger.chain_heads h WHERE h.partition = p.partition)
        ORDER BY p.partition
        ON CONFLICT (partition) DO NOTHING;
    END IF;
    SELECT array_agg(h.partition), array_agg(h.seq), array_agg(h.hash), max(h.posted_at) INTO h_partition, h_seq, h_hash, v_posted
    FROM (SELECT h.partition, h.seq, h.hash, h.posted_at FROM ledger.chain_heads h WHERE h.partition = ANY (j_partition) ORDER BY h.partition FOR UPDATE) h;

    SELECT coalesce(array_agg(a.id), '{}'), array_agg(a.mode), array_agg(a.currency) INTO a_id, a_mode, a_currency
    FROM (SELECT DISTINCT t.id FROM unnest(l_debit || l_credit) AS t (id) ORDER BY t.id) t CROSS JOIN LATERAL (
        SELECT a.id, a.mode, a.currency FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.id = t.id OFFSET 0) a;

    WITH a AS MATERIALIZED (SELECT a_id AS ids)
    SELECT array_agg(l.debit), array_agg(l.credit) INTO m_debit, m_credit
    FROM (
        SELECT width_bucket(l.debit, a.ids) AS debit, width_bucket(l.credit, a.ids) AS credit
        FROM unnest(l_debit, l_credit) WITH ORDINALITY AS l (debit, credit, i) CROSS JOIN a ORDER BY l.i) l;

    SELECT array_agg(i ORDER BY i), count(DISTINCT i) < count(*) INTO v_ids, v_repeated FROM unnest(j_id) AS i WHERE i IS NOT NULL;
    SELECT array_agg(e.id ORDER BY e.id), array_agg(e.content_hash ORDER BY e.id) INTO k_id, k_content
    FROM ledger.journals e WHERE e.id = ANY (v_ids) AND e.id BETWEEN v_ids[1] AND v_ids[cardinality(v_ids)];

    -- The canonical text and what follows from it, and from what is posted already. Verification rebuilds the text in another language.
    FOR i IN 1 .. v_count LOOP
        v_text := 'journal|' || concat_ws('|', j_id[i], j_mode[i], j_partition[i], j_payment[i], j_merchant[i], j_type[i],
            (extract(epoch FROM j_effective[i]) * 1000000)::bigint, j_decision[i]::integer) || E'\n';
        v_invalid := l_journal[v_line] IS DISTINCT FROM i
            OR num_nulls(j_id[i], j_mode[i], j_partition[i], j_payment[i], j_merchant[i], j_type[i], j_effective[i], j_decision[i]) > 0;
        v_unknown := false;
        v_currency := false;
        v_mode := false;
        v_number := 0;
        WHILE l_journal[v_line] = i LOOP
            v_text := v_text || concat_ws('|', l_line[v_line], l_action[v_line], l_kind[v_line], l_id[v_line], l_debit[v_line], l_credit[v_line],
                l_amount[v_line], l_currency[v_line]) || E'\n';
            v_debit := m_debit[v_line];
            v_credit := m_credit[v_line];
            IF num_nulls(l_line[v_line], l_action[v_line], l_kind[v_line], l_id[v_line], v_debit, v_credit, l_amount[v_line]) > 0
                OR l_line[v_line] <= v_number OR l_amount[v_line] <= 0 OR l_debit[v_line] = l_credit[v_line]
                OR l_action[v_line] NOT IN ('post', 'hold', 'release') THEN
                v_invalid := true;
            ELSIF a_id[v_debit] IS DISTINCT FROM l_debit[v_line] OR a_id[v_credit] IS DISTINCT FROM l_credit[v_line] THEN
                v_unknown := true;
            ELSIF l_currency[v_line] IS NULL OR a_currency[v_debit] <> l_currency[v_line] OR a_currency[v_credit] <> l_currency[v_line] THEN
                v_currency := true;
            ELSIF a_mode[v_debit] <> j_mode[i] OR a_mode[v_credit] <> j_mode[i] THEN
                v_mode := true;
            END IF;
            v_number := l_line[v_line];
            v_line := v_line + 1;
        END LOOP;

        v_content[i] := sha256(convert_to(v_text, 'UTF8'));
        v_place := width_bucket(j_id[i], k_id);
        v_number := CASE WHEN v_repeated THEN array_position(j_id, j_id[i]) ELSE i END;
        v_verdict[i] := CASE
            WHEN v_invalid THEN 'invalid'
            WHEN k_id[v_place] = j_id[i] THEN CASE WHEN k_content[v_place] = v_content[i] THEN 'duplicate' ELSE 'conflict' END
            WHEN v_unknown THEN 'unknown_account'
            WHEN v_currency THEN 'currency_mismatch'
            WHEN v_mode THEN 'mode_mismatch'
            WHEN v_number = i THEN 'posted'
            WHEN v_content[v_number] = v_content[i] THEN 'duplicate'
            ELSE 'conflict'
        END;
        v_post[i] := v_verdict[i] = 'posted';
    END LOOP;
    IF v_line <= v_lines THEN
        RAISE EXCEPTION 'line % belongs to none of the % journals, or stands out of their order', v_line, v_count;
    END IF;

    -- Accounts are locked as late as can be, in the order of their ids, and each by a question of its own: what another posting has changed
    -- meanwhile is read again with that question alone.
    SELECT array_agg(b.version), array_agg(b.debits), array_agg(b.credits), array_agg(b.pending_debits), array_agg(b.pending_credits)
    INTO a_version, a_debits, a_credits, a_pending_debits, a_pending_credits
    FROM unnest(a_id) AS t (id) CROSS JOIN LATERAL (
        SELECT b.version, b.debits, b.credits, b.pending_debits, b.pending_credits
        FROM ledger.balances b WHERE b.account_id = t.id FOR NO KEY UPDATE) b;
    IF coalesce(cardinality(a_version), 0) <> cardinality(a_id) THEN
        RAISE EXCEPTION '% of % balances are there', cardinality(a_version), cardinality(a_id);
    END IF;

    -- Floors bind decisions only. The earliest decision that breaks one goes, until none does.
    WHILE true = ANY (j_decision) LOOP
        SELECT array_agg(k.normal ORDER BY a.i), array_agg(CASE k.normal
                WHEN 'credit' THEN a_credits[a.i] - a_debits[a.i] - a_pending_debits[a.i]
                ELSE a_debits[a.i] - a_credits[a.i] - a_pending_credits[a.i] END - k.floor ORDER BY a.i)
        INTO a_normal, a_room
        FROM generate_series(1, cardinality(a_id)) AS a (i) JOIN ledger.accounts n ON n.id = a_id[a.i] JOIN ledger.account_kinds k ON k.kind = n.kind;
        v_broken := NULL;
        FOR i IN 1 .. v_lines LOOP
            CONTINUE WHEN l_action[i] <> 'post' OR NOT v_post[l_journal[i]];
            v_debit := m_debit[i];
            v_credit := m_credit[i];
            a_room[v_debit] := a_room[v_debit] + CASE a_normal[v_debit] WHEN 'debit' THEN l_amount[i] ELSE -l_amount[i] END;
            a_room[v_credit] := a_room[v_credit] + CASE a_normal[v_credit] WHEN 'credit' THEN l_amount[i] ELSE -l_amount[i] END;
            IF j_decision[l_journal[i]]
                AND ((a_normal[v_debit] = 'credit' AND a_room[v_debit] < 0) OR (a_normal[v_credit] = 'debit' AND a_room[v_credit] < 0)) THEN
                v_broken := j_id[l_journal[i]];
                EXIT;
            END IF;
        END LOOP;
        EXIT WHEN v_broken IS NULL;
        FOR i IN 1 .. v_count LOOP
            IF j_id[i] = v_broken AND v_verdict[i] IN ('posted', 'duplicate') THEN
                v_verdict[i] := 'floor';
                v_post[i] := false;
            END IF;
        END LOOP;
    END LOOP;

    -- Chain. Time is taken after the locks, so that it grows with the version of every account touched.
    v_posted := greatest(clock_timestamp(), v_posted);
    v_micros := (extract(epoch FROM v_posted) * 1000000)::bigint;
    FOR i IN 1 .. v_count LOOP
        CONTINUE WHEN NOT v_post[i];
        v_place := array_position(h_partition, j_partition[i]);
        v_seq[i] := h_seq[v_place] + 1;
        v_previous[i] := h_hash[v_place];
        v_hash[i] := sha256(v_previous[i] || v_content[i] || convert_to(concat_ws('|', j_partition[i], v_seq[i], j_event_seq[i], v_micros), 'UTF8'));
        h_seq[v_place] := v_seq[i];
        h_hash[v_place] := v_hash[i];
    END LOOP;
    UPDATE ledger.chain_heads c SET seq = h_seq[h.i], hash = h_hash[h.i], posted_at = v_posted
    FROM generate_series(1, cardinality(h_partition)) AS h (i) WHERE c.partition = h_partition[h.i] AND c.seq < h_seq[h.i];

    FOR i IN 1 .. v_lines LOOP
        CONTINUE WHEN NOT v_post[l_journal[i]];
        v_debit := m_debit[i];
        v_credit := m_credit[i];
        IF l_action[i] = 'post' THEN
            a_version[v_debit] := a_version[v_debit] + 1;
            a_debits[v_debit] := a_debits[v_debit] + l_amount[i];
            m_debit_version[i] := a_version[v_debit];
            m_debit_balance[i] := a_debits[v_debit] - a_credits[v_debit];
            a_version[v_credit] := a_version[v_credit] + 1;
            a_credits[v_credit] := a_credits[v_credit] + l_amount[i];
            m_credit_version[i] := a_version[v_credit];
            m_credit_balance[i] := a_debits[v_credit] - a_credits[v_credit];
            v_moves[l_journal[i]] := v_moves[l_journal[i]] + 1;
            v_moved := v_moved + 1;
        ELSE
            v_amount := CASE l_action[i] WHEN 'hold' THEN l_amount[i] ELSE -l_amount[i] END;
            a_pending_debits[v_debit] := a_pending_debits[v_debit] + v_amount;
            a_pending_credits[v_credit] := a_pending_credits[v_credit] + v_amount;
        END IF;
    END LOOP;

    INSERT INTO ledger.journals (id, partition, seq, mode, payment_id, merchant_id, event_type, event_seq, decision, movements,
        effective_at, posted_at, content_hash, previous_hash, hash)
    SELECT j_id[i], j_partition[i], v_seq[i], j_mode[i], j_payment[i], j_merchant[i], j_type[i], j_event_seq[i], j_decision[i], v_moves[i],
        j_effective[i], v_posted, v_content[i], v_previous[i], v_hash[i]
    FROM generate_series(1, v_count) AS i WHERE v_post[i];

    INSERT INTO ledger.movements (id, journal_id, line, kind, debit_account_id, credit_account_id, amount, currency,
        debit_version, debit_balance, credit_version, credit_balance, effective_at, posted_at)
    SELECT l_id[i], j_id[l_journal[i]], l_line[i], l_kind[i], l_debit[i], l_credit[i], l_amount[i], l_currency[i],
        m_debit_version[i], m_debit_balance[i], m_credit_version[i], m_credit_balance[i], j_effective[l_journal[i]], v_posted
    FROM generate_series(1, v_lines) AS i WHERE m_debit_version[i] IS NOT NULL;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written <> v_moved THEN
        RAISE EXCEPTION 'ledger.post_journals wrote % movements and was to write %', v_written, v_moved;
    END IF;

    INSERT INTO ledger.pending_transfers (id, journal_id, line, action, kind, payment_id, debit_account_id, credit_account_id,
        amount, currency, effective_at, posted_at)
    SELECT l_id[i], j_id[l_journal[i]], l_line[i], l_action[i], l_kind[i], j_payment[l_journal[i]], l_debit[i], l_credit[i], l_amount[i], l_currency[i],
        j_effective[l_journal[i]], v_posted
    FROM generate_series(1, v_lines) AS i WHERE v_post[l_journal[i]] AND l_action[i] <> 'post';

    UPDATE ledger.balances b
    SET version = a_version[a.i], debits = a_debits[a.i], credits = a_credits[a.i],
        pending_debits = a_pending_debits[a.i], pending_credits = a_pending_credits[a.i]
    FROM generate_series(1, cardinality(a_id)) AS a (i)
    WHERE b.account_id = a_id[a.i]
      AND (b.version, b.pending_debits, b.pending_credits) <> (a_version[a.i], a_pending_debits[a.i], a_pending_credits[a.i]);

    IF 'conflict' = ANY (v_verdict) THEN
        INSERT INTO ledger.findings (kind, subject, detail)
        SELECT DISTINCT 'posting_conflict', j_id[i]::text, 'The event was posted before with another content.'
        FROM generate_series(1, v_count) AS i WHERE v_verdict[i] = 'conflict'
        ON CONFLICT (kind, subject) DO UPDATE SET last_seen_at = now(), resolved_at = NULL;
    END IF;

    RETURN QUERY SELECT i, v_verdict[i] FROM generate_series(1, v_count) AS i;
END $$;
