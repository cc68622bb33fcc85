using System.Collections.Frozen;
using NodaTime;
using NodaTime.TimeZones;

namespace Payments.Reconciliation;

/// <summary>
/// Times as statements write them. A day of a provider is a day in the provider's own time zone, on our side too, so that an event a
/// minute before midnight is on the same day in both books.
/// </summary>
public static class Calendars
{
    private static readonly DateTimeZone Amsterdam = DateTimeZoneProviders.Tzdb["Europe/Amsterdam"];

    private static readonly FrozenDictionary<string, DateTimeZone> OfProvider = new Dictionary<string, DateTimeZone>
    {
        [Book.Stripe] = DateTimeZone.Utc,
        [Book.Adyen] = Amsterdam,
        [Book.Other] = DateTimeZone.Utc,
        [Book.Merchants] = DateTimeZone.Utc,
    }.ToFrozenDictionary();

    // Abbreviations in reports. Those of summer time say their offset; those of standard time are also used for the whole year.
    private static readonly FrozenDictionary<string, DateTimeZone> ByAbbreviation = new Dictionary<string, DateTimeZone>(StringComparer.OrdinalIgnoreCase)
    {
        ["UTC"] = DateTimeZone.Utc,
        ["GMT"] = DateTimeZone.Utc,
        ["Z"] = DateTimeZone.Utc,
        ["CET"] = Amsterdam,
        ["CEST"] = DateTimeZone.ForOffset(Offset.FromHours(2)),
        ["BST"] = DateTimeZone.ForOffset(Offset.FromHours(1)),
        ["EST"] = DateTimeZoneProviders.Tzdb["America/New_York"],
        ["EDT"] = DateTimeZone.ForOffset(Offset.FromHours(-4)),
        ["PST"] = DateTimeZoneProviders.Tzdb["America/Los_Angeles"],
        ["PDT"] = DateTimeZone.ForOffset(Offset.FromHours(-7)),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    // Twice the same hour in autumn: the second, which is the one with the name of standard time. An hour that does not exist in spring
    // is moved forward by what the clock was.
    private static readonly ZoneLocalMappingResolver Resolver = Resolvers.CreateMappingResolver(Resolvers.ReturnLater, Resolvers.ReturnForwardShifted);

    public static DateTimeZone? ZoneNamed(string name) => ByAbbreviation.TryGetValue(name, out var zone) ? zone : DateTimeZoneProviders.Tzdb.GetZoneOrNull(name);

    public static DateTimeOffset InstantOf(LocalDateTime local, DateTimeZone zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        return zone.ResolveLocal(local, Resolver).ToInstant().ToDateTimeOffset();
    }

    /// <summary>The provider's day of a moment.</summary>
    public static DateOnly DayOf(string provider, DateTimeOffset at) =>
        Instant.FromDateTimeOffset(at).InZone(OfProvider.GetValueOrDefault(provider, DateTimeZone.Utc)).Date.ToDateOnly();
}
