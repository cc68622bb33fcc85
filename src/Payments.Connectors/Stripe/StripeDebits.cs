using System.Text.Json;
using Payments.Connectors.Wire;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Connectors.Stripe;

/// <summary>
/// Debits of bank accounts (ACH) at Stripe: an intent that is submitted with its holder's mandate, is <c>processing</c> for days, and then
/// succeeded or failed. What is returned after it succeeded comes as a dispute that is lost from the start (<see cref="StripeDisputes"/>).
/// </summary>
internal static class StripeDebits
{
    public const string MethodType = "us_bank_account";

    public static async Task<Outcome> SubmitAsync(StripeClient client, AuthorizeCall call, Mandate mandate, string customer, string method, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.CaptureNow, "a debit is taken whole, and nothing is held before");
        var form = new StripeForm()
            .Add("amount", call.Amount.Minor)
            .Add("currency", call.Amount.Currency.Code.ToLowerInvariant())
            .Add("customer", customer)
            .Add("payment_method", method)
            .Add("payment_method_types[0]", MethodType)
            .Add("capture_method", "automatic")
            .Add("confirm", "true")
            // Attaches the account to its customer: one that is not attached can be debited once only.
            .Add("setup_future_usage", "off_session")
            .Add("mandate_data[customer_acceptance][type]", "online")
            .Add("mandate_data[customer_acceptance][accepted_at]", mandate.AcceptedAt.ToUnixTimeSeconds())
            .Add("mandate_data[customer_acceptance][online][ip_address]", mandate.Ip)
            .Add("mandate_data[customer_acceptance][online][user_agent]", mandate.UserAgent)
            .Add("description", call.Description)
            .Add("statement_descriptor", call.StatementDescriptor)
            .Add($"metadata[{StripeOutcomes.AttemptKey}]", call.AttemptId.ToString())
            .Add($"metadata[{StripeOutcomes.PaymentKey}]", call.PaymentId.ToString())
            .Add($"metadata[{StripeOutcomes.MerchantKey}]", call.MerchantId.ToString())
            .Add("expand[0]", "latest_charge");
        var answer = await client.PostAsync("v1/payment_intents", form, call.AttemptId.ToString(), cancellationToken);
        return answer is { IsSuccess: true, Body: { } intent } ? StripeOutcomes.OfIntent(intent, call.Amount) : StripeOutcomes.OfFailure(answer, isDebit: true);
    }

    public static bool IsDebit(JsonElement intent) => intent.Items("payment_method_types")?.Any(t => t.ValueKind == JsonValueKind.String && t.ValueEquals(MethodType)) == true;

    /// <summary>A bank's word first; errors of the request mean what they mean for cards.</summary>
    public static Decline DeclineOf(string? code) =>
        !StripeBankDeclines.Table.Knows(code) && StripeDeclines.Table.Knows(code) ? StripeDeclines.Table.Of(code) : StripeBankDeclines.Table.Of(code);

    /// <summary>What is shown of an account that a charge of Stripe's names.</summary>
    public static PaymentMethodView View(JsonElement account) => new(
        PaymentMethodTypes.Ach, null, account.Text("last4") is { Length: 4 } last4 && last4.All(char.IsAsciiDigit) ? last4 : null, "US", null, null);
}
