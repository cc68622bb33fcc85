using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Stripe's list object: newest first, by cursor.</summary>
public static class StripeList
{
    /// <summary>The last one of the page before.</summary>
    public static string? Cursor(StripeParameters p)
    {
        ArgumentNullException.ThrowIfNull(p);
        return p.Has("ending_before") ? null : p.Text("starting_after");
    }

    public static Answer Of<T>(StripeParameters p, string url, IEnumerable<T> newestFirst, Func<T, DateTimeOffset> created, Func<T, JsonObject> json)
        where T : Entity => Of(p, url, newestFirst, e => e.Id, created, json);

    public static Answer Of<T>(StripeParameters p, string url, IEnumerable<T> newestFirst, Func<T, string> id, Func<T, DateTimeOffset> created, Func<T, JsonObject> json)
    {
        ArgumentNullException.ThrowIfNull(p);
        if (p.IsBadNumber("limit") || p.Number("limit") is < 1 or > 100)
        {
            return StripeError.Invalid("This value must be between 1 and 100.", "limit", "parameter_invalid_integer");
        }

        var limit = (int)(p.Number("limit") ?? 10);
        var wanted = newestFirst.Where(e => IsWithin(p, created(e)));
        var (page, more) = p.Text("ending_before") is { } before ? Before(wanted, id, before, limit) : After(wanted, id, p.Text("starting_after"), limit);
        return Answer.Of(200, new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. page.Select(json)]),
            ["has_more"] = more,
            ["url"] = url,
        });
    }

    private static (List<T> Page, bool More) After<T>(IEnumerable<T> all, Func<T, string> id, string? cursor, int limit)
    {
        var rest = cursor is null ? all : all.SkipWhile(e => id(e) != cursor).Skip(1);
        var page = rest.Take(limit + 1).ToList();
        return page.Count > limit ? (page[..limit], true) : (page, false);
    }

    private static (List<T> Page, bool More) Before<T>(IEnumerable<T> all, Func<T, string> id, string cursor, int limit)
    {
        var newer = all.TakeWhile(e => id(e) != cursor).ToList();
        return newer.Count > limit ? (newer[^limit..], true) : (newer, false);
    }

    private static bool IsWithin(StripeParameters p, DateTimeOffset created)
    {
        var at = created.ToUnixTimeSeconds();
        return !(p.Number("created") is { } exactly && at != exactly)
            && !(p.Number("created[gt]") is { } gt && at <= gt)
            && !(p.Number("created[gte]") is { } gte && at < gte)
            && !(p.Number("created[lt]") is { } lt && at >= lt)
            && !(p.Number("created[lte]") is { } lte && at > lte);
    }
}
