namespace Payments.Simulators.Books;

/// <summary>All entities of one kind: by id, and in the order in which they were first seen.</summary>
public sealed class Shelf<T>
    where T : Entity
{
    private readonly Dictionary<string, T> byId = [];
    private readonly List<string> order = [];

    public T? Find(string? id) => id is not null && byId.TryGetValue(id, out var found) ? found : null;

    public int Count => byId.Count;

    /// <summary>Newest first, as providers list things.</summary>
    public IEnumerable<T> NewestFirst()
    {
        for (var i = order.Count - 1; i >= 0; i--)
        {
            if (byId.TryGetValue(order[i], out var entity))
            {
                yield return entity;
            }
        }
    }

    internal void Put(T entity)
    {
        if (entity.IsGone)
        {
            byId.Remove(entity.Id);
            ForgetRemovedIds();
            return;
        }

        if (byId.TryAdd(entity.Id, entity))
        {
            order.Add(entity.Id);
        }
        else
        {
            byId[entity.Id] = entity;
        }
    }

    private void ForgetRemovedIds()
    {
        if (order.Count > 1024 && order.Count > 2 * byId.Count)
        {
            order.RemoveAll(id => !byId.ContainsKey(id));
        }
    }
}
