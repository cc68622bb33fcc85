using Payments.Core;
using Payments.Ledger.Payouts;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Ledger.Endpoints;

/// <param name="IbanLast4">All that is ever shown of the account.</param>
/// <param name="AccountVersion">The version that first had this account: what a payout is approved for.</param>
/// <param name="AccountConfirmed">False: it replaced another one, and nothing is paid to it before another person gives the same.</param>
public sealed record PayoutSettingsView(
    string Object, MerchantId MerchantId, Mode Mode, int Version, PayoutStanding Standing, long Minimum, IReadOnlyDictionary<string, long> Minimums,
    string IbanLast4, int AccountVersion, bool AccountConfirmed);

public sealed record PayoutSwitchView(string Object, bool Stopped, string Reason);

/// <summary><c>POST /internal/v1/ops/payout_settings</c> and <c>…/payout_switch</c>: each change is a version.</summary>
internal static class PayoutSettingsEndpoints
{
    private const int LongestReason = 2000;
    private const long Most = 1_000_000_000_000;

    /// <param name="Minimum">Of every currency without one of its own.</param>
    /// <param name="Minimums">Of a currency each.</param>
    internal sealed record Request(
        MerchantId MerchantId, Mode Mode, PayoutStanding Standing, string Name, string Iban, string Bic, string Reason, long Minimum = 1, IReadOnlyDictionary<string, long>? Minimums = null);

    internal sealed record Turn(bool Stopped, string Reason);

    public static async Task<IResult> SetAsync(HttpContext context, PayoutSettings settings, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var wanted, out var problem))
        {
            return problem;
        }

        var account = new BankAccount(wanted.Name, wanted.Iban, wanted.Bic);
        if (account.Fault is { } member)
        {
            return Problems.InvalidValue(member, "A name of up to 70 characters, an IBAN in upper case without spaces, and a BIC of 8 or 11 characters are expected.");
        }

        if (wanted.Minimum is < 1 or > Most)
        {
            return Problems.InvalidValue("minimum", $"An amount from 1 to {Most} is expected.");
        }

        var minimum = new PayoutMinimum(wanted.Minimum, wanted.Minimums ?? new Dictionary<string, long>());
        foreach (var (currency, least) in minimum.ByCurrency)
        {
            if (!Currency.TryFind(currency, out _))
            {
                return Problems.InvalidValue("minimums", "Accepted currencies are expected, with an amount each.");
            }

            if (least is < 1 or > Most)
            {
                return Problems.InvalidValue("minimums." + currency, $"An amount from 1 to {Most} is expected.");
            }
        }

        if (wanted.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        return await requests.RunAsync(context, OperatorScope.Of(context), async (_, cancellation) =>
            await settings.SetAsync(wanted.Mode, wanted.MerchantId, wanted.Standing, minimum, account, wanted.Reason, InternalHeaders.PersonOf(context), cancellation) is { } set
                ? IdempotentResponse.Ok(new PayoutSettingsView(
                    "payout_settings", wanted.MerchantId, wanted.Mode, set.Version, wanted.Standing, wanted.Minimum, minimum.ByCurrency, account.Last4, set.AccountVersion, set.AccountConfirmed))
                : new Problem(StatusCodes.Status409Conflict, "payout_settings_changed", "Somebody else set this at the same moment; read it and decide again.", "merchant_id"), cancellationToken);
    }

    public static async Task<IResult> SwitchAsync(HttpContext context, PayoutSettings settings, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Turn>(context, cancellationToken)).Succeeded(out var turn, out var problem))
        {
            return problem;
        }

        if (turn.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        return await requests.RunAsync(context, OperatorScope.Of(context), async (_, cancellation) =>
            await settings.SwitchAsync(turn.Stopped, turn.Reason, InternalHeaders.ActorOf(context), cancellation)
                ? IdempotentResponse.Ok(new PayoutSwitchView("payout_switch", turn.Stopped, turn.Reason))
                : new Problem(StatusCodes.Status409Conflict, "payout_settings_changed", "Somebody else set this at the same moment; read it and decide again.", "stopped"), cancellationToken);
    }
}
