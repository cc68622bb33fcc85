-- What was settled long after its payment was made: likely duplicates are looked for among these, too. Sales have no entry here.

CREATE INDEX attempts_settled_late ON attempts (closed_at)
    WHERE state = 'succeeded' AND closed_at - uuid_time(payment_id) > interval '20 minutes';
