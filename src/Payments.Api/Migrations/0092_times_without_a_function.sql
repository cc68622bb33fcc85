-- uuid_floor reads a time's epoch, which PostgreSQL does not take for immutable, so that the function is not put in place of its call but planned
-- and run at each. Written out, the two bounds take 39 µs, not 178.
CREATE OR REPLACE FUNCTION payment_ids_of_today(OUT lowest uuid, OUT highest uuid)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    lowest := (lpad(to_hex(floor(extract(epoch FROM now() - interval '1 day') * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;
    highest := (lpad(to_hex(floor(extract(epoch FROM now() + interval '1 day') * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;
END $$;
