using System.Buffers.Binary;
using Payments.Core;
using Payments.Platform.Postgres;
using Payments.Platform.Redis;
using StackExchange.Redis;

namespace Payments.Api.Flow;

/// <summary>
/// The fast path of idempotency: final answers, which never change, kept in Redis for as long as the database keeps them. What is not
/// found here is asked of the database, so Redis may forget anything at any time. Questions of one moment are asked together, and nobody
/// waits until an answer is remembered.
/// </summary>
public sealed class RequestCache
{
    /// <summary>Answers that wait until Redis has them; what comes beyond is not remembered.</summary>
    public const int MostWaiting = 1_024;

    private const int FingerprintBytes = 32;

    private const string KeepEach = """
        for place, name in ipairs(KEYS) do
          redis.call('SET', name, ARGV[2 * place - 1], 'PX', ARGV[2 * place])
        end
        """;

    // Less than the database's 24 hours, counted from the final answer like those.
    private static readonly TimeSpan Kept = TimeSpan.FromHours(23);
    private static readonly Dictionary<Remembered, CachedAnswer> Nothing = [];

    private readonly RedisLink redis;
    private readonly GroupReader<string, CachedAnswer> asked;
    private readonly GroupReader<Remembered, CachedAnswer> remembered;
    private int waiting;

    public RequestCache(RedisLink redis)
    {
        this.redis = redis;
        asked = new(FindAsync, lanes: 1);
        remembered = new(RememberAsync, lanes: 1);
    }

    public Task<CachedAnswer?> FindAsync(MerchantId merchant, Mode mode, RequestKey key, CancellationToken cancellationToken) =>
        asked.ReadAsync(NameOf(merchant, mode, key), cancellationToken);

    /// <param name="age">Since the answer became final.</param>
    public void Remember(MerchantId merchant, Mode mode, RequestKey key, CachedAnswer answer, TimeSpan age)
    {
        ArgumentNullException.ThrowIfNull(answer);
        Invariant.Holds(answer.Fingerprint.Length == FingerprintBytes, "a fingerprint has 32 bytes");
        if (age >= Kept)
        {
            return;
        }

        if (Interlocked.Increment(ref waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref waiting);
            return;
        }

        _ = remembered.ReadAsync(new(NameOf(merchant, mode, key), answer, Kept - age), CancellationToken.None);
    }

    private async Task<IReadOnlyDictionary<string, CachedAnswer>> FindAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var reply = await redis.TryAsync(database => database.StringGetAsync([.. names.Select(n => (RedisKey)n)]), cancellationToken);
        var found = new Dictionary<string, CachedAnswer>();
        for (var i = 0; reply is { Answered: true, Value: { } values } && i < values.Length; i++)
        {
            if ((byte[]?)values[i] is { Length: > FingerprintBytes + sizeof(int) } value)
            {
                found.Add(names[i], new CachedAnswer(value[..FingerprintBytes], BinaryPrimitives.ReadInt32BigEndian(value.AsSpan(FingerprintBytes)), value[(FingerprintBytes + sizeof(int))..]));
            }
        }

        return found;
    }

    private async Task<IReadOnlyDictionary<Remembered, CachedAnswer>> RememberAsync(IReadOnlyList<Remembered> answers, CancellationToken cancellationToken)
    {
        try
        {
            RedisKey[] names = [.. answers.Select(a => (RedisKey)a.Name)];
            RedisValue[] values = [.. answers.SelectMany(a => (RedisValue[])[ValueOf(a.Answer), (long)a.Kept.TotalMilliseconds])];
            await redis.TryAsync(database => database.ScriptEvaluateAsync(KeepEach, names, values), cancellationToken);
            return Nothing;
        }
        finally
        {
            Interlocked.Add(ref waiting, -answers.Count);
        }
    }

    private static byte[] ValueOf(CachedAnswer answer)
    {
        var value = new byte[FingerprintBytes + sizeof(int) + answer.Body.Length];
        answer.Fingerprint.CopyTo(value, 0);
        BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(FingerprintBytes), answer.Status);
        answer.Body.CopyTo(value, FingerprintBytes + sizeof(int));
        return value;
    }

    private static string NameOf(MerchantId merchant, Mode mode, RequestKey key) => $"payments:answer:{merchant}:{Words.Of(mode)}:{Words.Of(key.Class)}:{key.Text}";

    /// <summary>One answer, and equal to no other.</summary>
    private sealed class Remembered(string name, CachedAnswer answer, TimeSpan kept)
    {
        public string Name => name;

        public CachedAnswer Answer => answer;

        public TimeSpan Kept => kept;
    }
}

public sealed record CachedAnswer(byte[] Fingerprint, int Status, byte[] Body);
