using Microsoft.AspNetCore.Http;

namespace Payments.Platform.Http;

/// <summary>What one service of ours tells another along with a forwarded call.</summary>
public static class InternalHeaders
{
    /// <summary>The id of the key that the original caller used, for owners that write down who did something.</summary>
    public const string Actor = "Payments-Actor";

    /// <summary>The person to whom that key belongs, for owners that ask for two of them.</summary>
    public const string Person = "Payments-Person";

    private const int LongestActor = 100;

    /// <summary>Who asked; <c>internal</c> where a service of ours asked by itself.</summary>
    public static string ActorOf(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.Headers[Actor].ToString() is { Length: > 0 and <= LongestActor } actor ? actor : "internal";
    }

    /// <summary>Which person asked: two keys of one person are one. Where nobody says who that is, whoever <see cref="ActorOf"/> names.</summary>
    public static string PersonOf(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.Headers[Person].ToString() is { Length: > 0 and <= LongestActor } person ? person : ActorOf(context);
    }
}
