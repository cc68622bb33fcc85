using Payments.Connectors;
using Payments.Connectors.Adyen;
using Payments.Connectors.Stripe;
using Payments.Core;
using Xunit;

namespace Payments.Tests.Connectors;

public sealed class DeclineTests
{
    // decline_code, code, ours, kind, may cascade
    [Theory]
    [InlineData("generic_decline", "card_declined", "card_declined", DeclineKind.Soft, false)]
    [InlineData("insufficient_funds", "card_declined", "insufficient_funds", DeclineKind.Soft, false)]
    [InlineData("lost_card", "card_declined", "lost_card", DeclineKind.Hard, false)]
    [InlineData("stolen_card", "card_declined", "stolen_card", DeclineKind.Hard, false)]
    [InlineData(null, "expired_card", "expired_card", DeclineKind.Hard, false)]
    [InlineData(null, "incorrect_cvc", "incorrect_cvc", DeclineKind.Soft, false)]
    [InlineData(null, "processing_error", "processing_error", DeclineKind.Soft, true)]
    [InlineData("issuer_not_available", "card_declined", "issuer_unavailable", DeclineKind.Soft, true)]
    [InlineData("fraudulent", "card_declined", "suspected_fraud", DeclineKind.Hard, false)]
    [InlineData("authentication_required", "authentication_required", "authentication_required", DeclineKind.Soft, false)]
    [InlineData(null, "payment_intent_authentication_failure", "authentication_failed", DeclineKind.Soft, false)]
    [InlineData(null, "payment_intent_unexpected_state", "wrong_state", DeclineKind.Hard, false)]
    [InlineData(null, "resource_missing", "token_unusable", DeclineKind.Hard, true)]
    [InlineData("brand_new_code", "card_declined", "card_declined", DeclineKind.Soft, false)]
    [InlineData("brand_new_code", "brand_new_error", "card_declined", DeclineKind.Soft, false)]
    [InlineData(null, null, "card_declined", DeclineKind.Soft, false)]
    public void Stripe_declines_are_normalised(string? declineCode, string? code, string ours, DeclineKind kind, bool mayCascade)
    {
        var decline = StripeDeclines.Of(code, declineCode);
        Assert.Equal((ours, kind, mayCascade, declineCode ?? code), (decline.Code, decline.Kind, decline.MayCascade, decline.ProviderCode));
        Assert.NotEmpty(decline.Message);
    }

    // refusalReasonCode, reason, ours, kind, may cascade
    [Theory]
    [InlineData("2", "Refused", "card_declined", DeclineKind.Soft, false)]
    [InlineData("3", "Referral", "call_issuer", DeclineKind.Soft, false)]
    [InlineData("4", "Acquirer Error", "processing_error", DeclineKind.Soft, true)]
    [InlineData("5", "Blocked Card", "blocked_card", DeclineKind.Hard, false)]
    [InlineData("6", "Expired Card", "expired_card", DeclineKind.Hard, false)]
    [InlineData("7", "Invalid Amount", "invalid_amount", DeclineKind.Hard, false)]
    [InlineData("8", "Invalid Card Number", "incorrect_number", DeclineKind.Hard, false)]
    [InlineData("9", "Issuer Unavailable", "issuer_unavailable", DeclineKind.Soft, true)]
    [InlineData("10", "Not supported", "card_not_supported", DeclineKind.Hard, true)]
    [InlineData("11", "3D Not Authenticated", "authentication_failed", DeclineKind.Soft, false)]
    [InlineData("12", "Not enough balance", "insufficient_funds", DeclineKind.Soft, false)]
    [InlineData("14", "Acquirer Fraud", "suspected_fraud", DeclineKind.Hard, false)]
    [InlineData("15", "Cancelled", "customer_cancelled", DeclineKind.Soft, false)]
    [InlineData("16", "Shopper Cancelled", "customer_cancelled", DeclineKind.Soft, false)]
    [InlineData("17", "Invalid Pin", "incorrect_pin", DeclineKind.Soft, false)]
    [InlineData("20", "FRAUD", "suspected_fraud", DeclineKind.Hard, false)]
    [InlineData("22", "FRAUD-CANCELLED", "suspected_fraud", DeclineKind.Hard, false)]
    [InlineData("23", "Transaction Not Permitted", "transaction_not_permitted", DeclineKind.Hard, false)]
    [InlineData("24", "CVC Declined", "incorrect_cvc", DeclineKind.Soft, false)]
    [InlineData("25", "Restricted Card", "blocked_card", DeclineKind.Hard, false)]
    [InlineData("27", "Declined Non Generic", "card_declined", DeclineKind.Soft, false)]
    [InlineData("31", "Issuer Suspected Fraud", "suspected_fraud", DeclineKind.Hard, false)]
    [InlineData("32", "AVS Declined", "incorrect_address", DeclineKind.Soft, false)]
    [InlineData("38", "Authentication required", "authentication_required", DeclineKind.Soft, false)]
    public void Adyen_refusals_are_normalised_by_number_and_by_name(string code, string reason, string ours, DeclineKind kind, bool mayCascade)
    {
        foreach (var decline in new[] { AdyenDeclines.OfRefusal(code, null), AdyenDeclines.OfRefusal(null, reason), AdyenDeclines.OfRefusal(code, "something else") })
        {
            Assert.Equal((ours, kind, mayCascade, code), (decline.Code, decline.Kind, decline.MayCascade, decline.ProviderCode));
        }
    }

    [Theory]
    [InlineData("999", null)]
    [InlineData(null, "A reason of tomorrow")]
    [InlineData(null, null)]
    public void An_unknown_refusal_of_Adyen_is_a_plain_decline_that_may_not_cascade(string? code, string? reason)
    {
        var decline = AdyenDeclines.OfRefusal(code, reason);
        Assert.Equal(("card_declined", DeclineKind.Soft, false), (decline.Code, decline.Kind, decline.MayCascade));
    }

    [Fact]
    public void Every_row_leads_to_a_listed_code_and_no_provider_code_stands_twice()
    {
        foreach (var table in new[] { StripeDeclines.Table, AdyenDeclines.Table, StripeBankDeclines.Table })
        {
            Assert.All(table.Rows, r => Assert.Contains(r.Normal, NormalDeclines.All.Concat(NormalDeclines.OfBankAccounts)));
            Assert.Equal(table.Rows.Count, table.Rows.Select(r => r.ProviderCode).Distinct().Count());
        }

        Assert.Equal(NormalDeclines.OfBankAccounts.Count, NormalDeclines.OfBankAccounts.Select(n => n.Code).Distinct().Count());
        Assert.Equal(NormalDeclines.All.Count, NormalDeclines.All.Select(n => n.Code).Distinct().Count());
    }

    [Fact]
    public void What_says_something_about_the_card_or_its_owner_never_cascades()
    {
        NormalDecline[] ofTheCard =
        [
            NormalDeclines.InsufficientFunds, NormalDeclines.LostCard, NormalDeclines.StolenCard, NormalDeclines.ExpiredCard, NormalDeclines.SuspectedFraud,
            NormalDeclines.BlockedCard, NormalDeclines.LimitExceeded, NormalDeclines.AuthenticationFailed, NormalDeclines.DoNotRetry, NormalDeclines.CardDeclined,
            NormalDeclines.RevokedAuthorization, NormalDeclines.WrongState,
        ];
        Assert.All(
            StripeDeclines.Table.Rows.Concat(AdyenDeclines.Table.Rows).Where(r => ofTheCard.Contains(r.Normal)),
            r => Assert.False(r.MayCascade, r.ProviderCode));
    }

    [Fact]
    public async Task The_document_repeats_the_tables()
    {
        var document = await File.ReadAllLinesAsync(Path.Combine(Architecture.Repository.Root, "docs", "declines.md"), TestContext.Current.CancellationToken);
        var rows = document.Where(l => l.StartsWith("| `", StringComparison.Ordinal)).ToHashSet();
        var wanted = NormalDeclines.All.Concat(NormalDeclines.OfBankAccounts).Select(n => $"| `{n.Code}` | {(n.Kind == DeclineKind.Soft ? "soft" : "hard")} | {n.Message} |")
            .Concat(StripeDeclines.Table.Rows.Select(r => $"| `{r.ProviderCode}` | `{r.Normal.Code}` | {(r.MayCascade ? "yes" : "no")} |"))
            .Concat(StripeBankDeclines.Table.Rows.Select(r => $"| `{r.ProviderCode}` | `{r.Normal.Code}` | {(r.MayCascade ? "yes" : "no")} |"))
            .Concat(AdyenDeclines.Table.Rows.Select(r => $"| `{r.ProviderCode}` | {AdyenDeclines.NameOf(r.ProviderCode) ?? (r.ProviderCode.StartsWith("error_", StringComparison.Ordinal) ? "request refused" : r.ProviderCode == "OFFER_CLOSED" ? "challenge not finished" : "modification failed")} | `{r.Normal.Code}` | {(r.MayCascade ? "yes" : "no")} |"))
            .ToList();
        Assert.Equal([], wanted.Except(rows));
        Assert.Equal(wanted.Distinct().Count(), rows.Count);
    }
}
