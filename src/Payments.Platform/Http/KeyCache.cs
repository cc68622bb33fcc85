using System.Collections.Concurrent;

namespace Payments.Platform.Http;

/// <summary>
/// Remembers what keys belong to for a moment, by hash. A revocation takes effect within <see cref="Lifetime"/> everywhere, without
/// any message between replicas.
/// </summary>
internal sealed class KeyCache<T>(TimeProvider time)
    where T : class
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private const int Capacity = 10_000;
    private static readonly TimeSpan LookupLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);

    public async ValueTask<T?> FindAsync(string hash, Func<string, CancellationToken, Task<T?>> find, CancellationToken cancellationToken)
    {
        if (entries.TryGetValue(hash, out var entry) && !IsOver(entry))
        {
            return await entry.Found.Value.WaitAsync(cancellationToken);
        }

        if (entries.Count >= Capacity)
        {
            entries.Clear();
        }

        // Requests that miss together share one lookup, which therefore is not cancelled with any of them.
        var fresh = new Entry(new Lazy<Task<T?>>(() => LookUpAsync(hash, find)), time.GetTimestamp());
        entry = entries.AddOrUpdate(hash, fresh, (_, old) => IsOver(old) ? fresh : old);
        try
        {
            var found = await entry.Found.Value.WaitAsync(cancellationToken);
            if (found is null)
            {
                // A key that is created in a moment must work at once.
                entries.TryRemove(new(hash, entry));
            }

            return found;
        }
        catch (Exception)
        {
            entries.TryRemove(new(hash, entry));
            throw;
        }
    }

    private static async Task<T?> LookUpAsync(string hash, Func<string, CancellationToken, Task<T?>> find)
    {
        using var limit = new CancellationTokenSource(LookupLimit);
        return await find(hash, limit.Token);
    }

    private bool IsOver(Entry entry) => time.GetElapsedTime(entry.At) >= Lifetime;

    private sealed record Entry(Lazy<Task<T?>> Found, long At);
}
