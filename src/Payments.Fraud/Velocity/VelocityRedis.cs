using System.Globalization;
using Payments.Core;
using Payments.Platform.Redis;
using StackExchange.Redis;

namespace Payments.Fraud.Velocity;

/// <summary>What Redis has after it recorded something.</summary>
/// <param name="Complete">False where its counters are still being filled.</param>
/// <param name="At">When the record counts from: for a repeated request the time of the first.</param>
/// <param name="First">False where it had been counted before.</param>
/// <param name="Reading">Null where none was asked for.</param>
internal sealed record Recorded(bool Complete, DateTimeOffset At, bool First, VelocityReading? Reading);

/// <summary>An attempt or an outcome to be counted.</summary>
/// <param name="Id">Counted once under it: the attempt's key, or the event's id.</param>
/// <param name="At">Null: now, by Redis' clock.</param>
internal sealed record Countable(Guid Id, Mode Mode, Measure Kind, EntityKeys Keys, DateTimeOffset? At);

/// <summary>
/// The counters in Redis. One script records an attempt and reads every history that it belongs to, in one round trip and atomically:
/// of fifty at once each sees those before it. A history is one text of fixed records, the newest 255 of the last 30 days (at most 320
/// records of 32 bytes before it is cut); a merchant has a ring of 31 slots per window instead. Keys are of a generation: when Redis
/// turns out to have lost something, a new one is filled from the database and then takes over.
/// </summary>
internal sealed class VelocityRedis(RedisLink redis)
{
    private const string Prefix = "{fraud}:";

    /// <summary>Longer than a merchant's idempotency key lives.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(48);

    // Of each record there are four arguments (its kind, its time, who took part, its last key) and its own keys: that it was counted, its merchant, and two for each that took part.
    private const string RecordScript = """
        local generations = redis.call('MGET', KEYS[1], KEYS[2])
        local ready, building = generations[1], generations[2]
        local generation, reads, remembered = ARGV[1], ARGV[2] == '1', ARGV[3]
        if generation ~= ready and generation ~= building then return {0, ready or building or ''} end
        local time = redis.call('TIME')
        local clock = time[1] * 1000 + math.floor(time[2] / 1000)
        local widths = {10000, 120000, 2880000, 20160000, 86400000}
        local key, at, now, first = 3, 0, clock, false
        for argument = 4, #ARGV, 4 do
          local kind, given, parties, last = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1]), ARGV[argument + 2], tonumber(ARGV[argument + 3])
          now = given > 0 and reads and given or clock
          at = given > 0 and given or now
          local outcome = kind >= 7
          first = redis.call('SET', KEYS[key], at, 'NX', 'PX', remembered)
          if first then
            local record = struct.pack('>I2I6', kind, at) .. parties
            for i = key + 2 + (outcome and 1 or 0), last, 2 do
              local length = redis.call('APPEND', KEYS[i], record)
              if length > 10240 then redis.call('SET', KEYS[i], redis.call('GETRANGE', KEYS[i], -8160, -1)) end
              redis.call('PEXPIRE', KEYS[i], 2592000000)
            end
            local merchant, column = KEYS[key + 1], outcome and kind - 6 or 0
            local ring = redis.call('GET', merchant) or ''
            for w = 1, 5 do
              local bucket = math.floor(at / widths[w])
              local slot = ((w - 1) * 31 + bucket % 31) * 24
              local was = #ring >= slot + 24 and struct.unpack('>I4', ring, slot + 1) or 0
              if was == bucket then
                local place = slot + 4 + 4 * column
                redis.call('SETRANGE', merchant, place, struct.pack('>I4', struct.unpack('>I4', ring, place + 1) + 1))
              elseif was < bucket then
                local counts = {0, 0, 0, 0, 0}
                counts[1 + column] = 1
                redis.call('SETRANGE', merchant, slot, struct.pack('>I4I4I4I4I4I4', bucket, unpack(counts)))
                -- With the first of a day: a day counts for thirty.
                if w == 5 then redis.call('PEXPIRE', merchant, 2678400000) end
              end
            end
          else
            at = tonumber(redis.call('GET', KEYS[key]) or at)
          end
          key = last + 1
        end
        return {generation == ready and 2 or 1, at, now, first and 1 or 0, reads and redis.call('MGET', unpack(KEYS, 4)) or nil}
        """;

    private static readonly (Subject Subject, string Letter, Func<EntityKeys, Guid?> Of)[] Subjects =
    [
        (Subject.Card, "c", k => k.Card), (Subject.Customer, "u", k => k.Customer), (Subject.Ip, "i", k => k.Ip),
        (Subject.Device, "d", k => k.Device), (Subject.Email, "e", k => k.Email),
    ];

    private string? generation;

    public bool IsConfigured => redis.IsConfigured;

    /// <summary>Counts it, unless it was counted before, and reads the counters where asked to. Null where Redis does not answer or is empty.</summary>
    public async ValueTask<Recorded?> RecordAsync(Countable what, bool reads, CancellationToken cancellationToken) =>
        await CountAsync([what], reads, cancellationToken) is { } answer
            ? new Recorded(
                (int)answer[0] == 2, Instant((long)answer[1]), (int)answer[3] == 1, reads ? Read((RedisResult[])answer[4]!, (long)answer[2], what.Keys) : null)
            : null;

    /// <summary>Counts all of them that were not counted before, in one script: Redis answers nobody else meanwhile. False where it does not answer or is empty.</summary>
    public async ValueTask<bool> RecordAsync(IReadOnlyList<Countable> many, CancellationToken cancellationToken) =>
        await CountAsync(many, reads: false, cancellationToken) is not null;

    private async ValueTask<RedisResult[]?> CountAsync(IReadOnlyList<Countable> records, bool reads, CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < 2; tries++)
        {
            var current = Volatile.Read(ref generation) ?? "";
            var keys = new List<RedisKey>(14 * records.Count) { Prefix + "ready", Prefix + "building" };
            var values = new List<RedisValue>(3 + (4 * records.Count)) { current, reads ? "1" : "0", (long)Remembered.TotalMilliseconds };
            foreach (var record in records)
            {
                AddKeys(keys, record, current);
                values.AddRange((int)record.Kind, record.At?.ToUnixTimeMilliseconds() ?? 0, Parties.Of(record.Keys).ToBytes(), keys.Count);
            }

            RedisKey[] allKeys = [.. keys];
            RedisValue[] allValues = [.. values];
            var reply = await redis.TryAsync(database => database.ScriptEvaluateAsync(RecordScript, allKeys, allValues), cancellationToken);
            if (!reply.Answered)
            {
                return null;
            }

            var answer = (RedisResult[])reply.Value!;
            if ((int)answer[0] > 0)
            {
                return answer;
            }

            Volatile.Write(ref generation, (string?)answer[1]);
            if (string.IsNullOrEmpty(Volatile.Read(ref generation)))
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Whether a generation is complete, and how often somebody has asked: a smaller number than before means that Redis has gone back in time.</summary>
    public async ValueTask<(bool Ready, long Beats)?> BeatAsync(CancellationToken cancellationToken)
    {
        const string script = "return {redis.call('EXISTS', KEYS[1]), redis.call('INCR', KEYS[2])}";
        var reply = await redis.TryAsync(database => database.ScriptEvaluateAsync(script, [Prefix + "ready", Prefix + "beats"], []), cancellationToken);
        if (!reply.Answered)
        {
            return null;
        }

        var answer = (RedisResult[])reply.Value!;
        return ((int)answer[0] == 1, (long)answer[1]);
    }

    /// <summary>Begins a new generation, which attempts are counted in from now on. False where another process is at it, or Redis does not answer.</summary>
    public async ValueTask<bool> BeginAsync(string next, CancellationToken cancellationToken)
    {
        const string script = """
            if not redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', 60000) then return 0 end
            redis.call('DEL', KEYS[1])
            redis.call('SET', KEYS[2], ARGV[1])
            return 1
            """;
        return await RunAsync(script, [Prefix + "ready", Prefix + "building", Prefix + "builder"], [next], cancellationToken) == 1;
    }

    /// <summary>The builder is still at it.</summary>
    public async ValueTask<bool> GoOnAsync(string next, CancellationToken cancellationToken) =>
        await RunAsync(
            "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('PEXPIRE', KEYS[1], 60000)", [Prefix + "builder"], [next], cancellationToken) == 1;

    /// <summary>From here on the counters are complete.</summary>
    public async ValueTask<bool> CompleteAsync(string next, CancellationToken cancellationToken)
    {
        const string script = """
            if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
            redis.call('SET', KEYS[1], ARGV[1])
            redis.call('DEL', KEYS[2], KEYS[3])
            return 1
            """;
        return await RunAsync(script, [Prefix + "ready", Prefix + "building", Prefix + "builder"], [next], cancellationToken) == 1;
    }

    /// <summary>Forgets what former generations left behind, a little at a time.</summary>
    /// <returns>Where to go on; null at the end.</returns>
    public async ValueTask<string?> SweepAsync(string cursor, string current, CancellationToken cancellationToken)
    {
        const string script = """
            local found = redis.call('SCAN', ARGV[1], 'MATCH', '{fraud}:g:*', 'COUNT', 500)
            for _, key in ipairs(found[2]) do
              if string.sub(key, 11, 10 + #ARGV[2]) ~= ARGV[2] then redis.call('DEL', key) end
            end
            return found[1]
            """;
        var reply = await redis.TryAsync(database => database.ScriptEvaluateAsync(script, [Prefix + "ready"], [cursor, current]), cancellationToken);
        return reply.Answered && (string?)reply.Value is { } next && next != "0" ? next : null;
    }

    private async ValueTask<int> RunAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken)
    {
        var reply = await redis.TryAsync(database => database.ScriptEvaluateAsync(script, keys, values), cancellationToken);
        return reply.Answered ? (int)reply.Value! : -1;
    }

    private static void AddKeys(List<RedisKey> keys, Countable what, string generation)
    {
        var mode = $"{Prefix}g:{generation}:{(what.Mode == Mode.Live ? "l" : "t")}";
        keys.Add(Key("s", what.Id));
        keys.Add(Key("m", what.Keys.Merchant));
        foreach (var (_, letter, of) in Subjects)
        {
            if (of(what.Keys) is { } entity)
            {
                keys.Add(Key(letter, entity));
                keys.Add(Key(letter + "o", entity));
            }
        }

        RedisKey Key(string letter, Guid entity)
        {
            Span<byte> bytes = stackalloc byte[16];
            entity.TryWriteBytes(bytes, bigEndian: true, out _);
            return string.Create(CultureInfo.InvariantCulture, $"{mode}{letter}:{System.Buffers.Text.Base64Url.EncodeToString(bytes)}");
        }
    }

    private static VelocityReading Read(RedisResult[] histories, long now, EntityKeys keys)
    {
        var reading = new VelocityReading();
        MerchantRing.Count(reading, (byte[]?)histories[0] ?? [], now);
        var present = Parties.Of(keys);
        var next = 1;
        foreach (var (subject, _, of) in Subjects)
        {
            if (of(keys) is not null)
            {
                EntityHistory.Count(reading, subject, (byte[]?)histories[next], (byte[]?)histories[next + 1], present, now);
                next += 2;
            }
        }

        return reading;
    }

    private static DateTimeOffset Instant(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}

/// <summary>
/// A merchant's counters: 31 slots for each window, each a thirtieth of the window wide, so a window is counted to a thirtieth.
/// The script above writes it.
/// </summary>
internal static class MerchantRing
{
    private const int Slots = 31;
    private const int SlotBytes = 24;

    private static readonly int[] Places =
        [.. new[] { Measure.Attempts, Measure.Approvals, Measure.Declines, Measure.Refunds, Measure.Chargebacks }.Select(m => VelocityCounter.PlaceOf(Subject.Merchant, m)!.Value)];

    public static void Count(VelocityReading reading, ReadOnlySpan<byte> ring, long nowMilliseconds)
    {
        for (var w = 0; w < Window.All.Length; w++)
        {
            var current = nowMilliseconds / ((long)Window.All[w].Length.TotalMilliseconds / (Slots - 1));
            for (var slot = 0; slot < Slots; slot++)
            {
                var offset = ((w * Slots) + slot) * SlotBytes;
                if (offset + SlotBytes > ring.Length)
                {
                    break;
                }

                var bytes = ring.Slice(offset, SlotBytes);
                var bucket = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
                if (bucket == 0 || current - bucket >= Slots - 1)
                {
                    continue;
                }

                for (var column = 0; column < Places.Length; column++)
                {
                    reading.Add(Places[column] + w, (int)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes[(4 + (4 * column))..]));
                }
            }
        }
    }
}
