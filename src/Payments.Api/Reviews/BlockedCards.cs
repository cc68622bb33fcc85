using System.Text.Json;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Reviews;

/// <summary>
/// A card that was blocked just now: what it holds is released. The service that keeps the list has taken the entry, so a repeat of the
/// operator's request comes here again, should this process die on the way.
/// </summary>
internal static class BlockedCards
{
    private sealed record Entry(Mode? Mode = null, string? Action = null, string? Kind = null, string? Value = null, MerchantId? MerchantId = null);

    /// <summary>After the request was answered: its body is in memory.</summary>
    public static async Task ReleaseAsync(HttpContext context)
    {
        if (!(await RequestBytes.ReadAsync(context, CancellationToken.None)).Succeeded(out var body, out _)
            || JsonSerializer.Deserialize<Entry>(body, Json.Options) is not { Action: "block", Kind: "fingerprint", Mode: { } mode, Value: { } fingerprint } entry)
        {
            return;
        }

        await context.RequestServices.GetRequiredService<Suspicions>().CardBlockedAsync(mode, entry.MerchantId, fingerprint, context.Operator().Name, CancellationToken.None);
    }
}
