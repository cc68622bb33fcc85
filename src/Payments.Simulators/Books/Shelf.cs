namespace Payments.Simulators.Books;

/// <summary>All entities of one kind: by id, and in the order in which they were first seen.</summary>
public sealed class Shelf<T>
    where T : Entity
{
    private readonly Dictionary<string, int> places = [];
    private readonly List<T?> order = []; // null where one was removed

    public T? Find(string? id) => id is not null && places.TryGetValue(id, out var place) ? order[place] : null;

    public int Count => places.Count;

    /// <summary>Newest first, as providers list things.</summary>
    /// <param name="from">Where to begin, so that a page of a long list costs no more than the first; the newest where there is none of this id.</param>
    public IEnumerable<T> NewestFirst(string? from = null)
    {
        for (var i = from is not null && places.TryGetValue(from, out var place) ? place : order.Count - 1; i >= 0; i--)
        {
            if (order[i] is { } entity)
            {
                yield return entity;
            }
        }
    }

    internal void Put(T entity)
    {
        if (entity.IsGone)
        {
            if (places.Remove(entity.Id, out var left))
            {
                order[left] = null;
                CloseGaps();
            }
        }
        else if (places.TryAdd(entity.Id, order.Count))
        {
            order.Add(entity);
        }
        else
        {
            order[places[entity.Id]] = entity;
        }
    }

    private void CloseGaps()
    {
        if (order.Count <= 1024 || order.Count <= 2 * places.Count)
        {
            return;
        }

        order.RemoveAll(entity => entity is null);
        for (var i = 0; i < order.Count; i++)
        {
            places[order[i]!.Id] = i;
        }
    }
}
