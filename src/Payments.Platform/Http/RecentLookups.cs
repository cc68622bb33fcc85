using System.Collections.Concurrent;

namespace Payments.Platform.Http;

/// <summary>
/// Remembers for a moment what was looked up (whom a key belongs to, a merchant's settings). A change takes effect within
/// <see cref="Lifetime"/> everywhere, without any message between replicas; what was not found is not remembered.
/// </summary>
public sealed class RecentLookups<TKey, T>(TimeProvider time)
    where TKey : notnull
    where T : class
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private const int Capacity = 10_000;
    private static readonly TimeSpan LookupLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<TKey, Entry> entries = new();

    public async ValueTask<T?> FindAsync(TKey key, Func<TKey, CancellationToken, Task<T?>> find, CancellationToken cancellationToken)
    {
        if (entries.TryGetValue(key, out var entry) && !IsOver(entry))
        {
            return await entry.Found.Value.WaitAsync(cancellationToken);
        }

        if (entries.Count >= Capacity)
        {
            entries.Clear();
        }

        // Requests that miss together share one lookup, which therefore is not cancelled with any of them.
        var fresh = new Entry(new Lazy<Task<T?>>(() => LookUpAsync(key, find)), time.GetTimestamp());
        entry = entries.AddOrUpdate(key, fresh, (_, old) => IsOver(old) ? fresh : old);
        try
        {
            var found = await entry.Found.Value.WaitAsync(cancellationToken);
            if (found is null)
            {
                // A key that is created in a moment must work at once.
                entries.TryRemove(new(key, entry));
            }

            return found;
        }
        catch (Exception)
        {
            entries.TryRemove(new(key, entry));
            throw;
        }
    }

    /// <summary>Lets the next caller look again: what this replica changed itself it must not tell wrongly afterwards.</summary>
    public void Forget(TKey key) => entries.TryRemove(key, out _);

    private static async Task<T?> LookUpAsync(TKey key, Func<TKey, CancellationToken, Task<T?>> find)
    {
        using var limit = new CancellationTokenSource(LookupLimit);
        return await find(key, limit.Token);
    }

    private bool IsOver(Entry entry) => time.GetElapsedTime(entry.At) >= Lifetime;

    private sealed record Entry(Lazy<Task<T?>> Found, long At);
}
