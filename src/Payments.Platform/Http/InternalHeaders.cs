using Microsoft.AspNetCore.Http;

namespace Payments.Platform.Http;

/// <summary>What one service of ours tells another along with a forwarded call.</summary>
public static class InternalHeaders
{
    /// <summary>The id of the key that the original caller used, for owners that write down who did something.</summary>
    public const string Actor = "Payments-Actor";

    private const int LongestActor = 100;

    /// <summary>Who asked; <c>internal</c> where a service of ours asked by itself.</summary>
    public static string ActorOf(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.Headers[Actor].ToString() is { Length: > 0 and <= LongestActor } actor ? actor : "internal";
    }
}
