using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>
/// A stored card at Stripe: a PaymentMethod attached to a Customer of its own. Our text for it: <c>cus_…/pm_…</c>. A bank account is a
/// PaymentMethod too, which its first debit attaches: Stripe attaches none without the holder's mandate, and that goes with the debit.
/// </summary>
internal sealed class StripeTokens(StripeClient client)
{
    public static bool TryRead(string? token, [NotNullWhen(true)] out string? customer, [NotNullWhen(true)] out string? method)
    {
        (customer, method) = token?.Split('/') is [{ Length: > 0 } c, { Length: > 0 } m] ? (c, m) : (null, null);
        return customer is not null;
    }

    public async Task<Tokenisation> TokeniseAsync(TokeniseCall call, CancellationToken cancellationToken)
    {
        var key = call.TokenId.ToString();
        var methodTask = CreateMethodAsync(call, key, cancellationToken);
        var customerTask = client.PostAsync(
            "v1/customers",
            new StripeForm().Add("metadata[token_id]", key).Add("metadata[merchant_id]", call.MerchantId.ToString()),
            key + "-customer",
            cancellationToken);
        var (method, customer) = (await methodTask, await customerTask);
        if (method is not { IsSuccess: true, Body: { } card } || card.Text("id") is not { } methodId)
        {
            return Failed(method, call);
        }

        if (customer is not { IsSuccess: true, Body: { } owner } || owner.Text("id") is not { } customerId)
        {
            return Failed(customer, call);
        }

        if (call.Card is null)
        {
            return new Tokenisation(OutcomeKind.Approved) { ProviderToken = $"{customerId}/{methodId}", BankName = card.Object("us_bank_account").Text("bank_name") };
        }

        var attached = await client.PostAsync(
            $"v1/payment_methods/{Uri.EscapeDataString(methodId)}/attach", new StripeForm().Add("customer", customerId), key + "-attach", cancellationToken);
        if (attached is not { IsSuccess: true, Body: { } stored } || stored.Text("id") != methodId)
        {
            return Failed(attached, call);
        }

        var facts = stored.Object("card");
        return new Tokenisation(OutcomeKind.Approved)
        {
            ProviderToken = $"{customerId}/{methodId}",
            Brand = facts.Text("brand"),
            Country = facts.Text("country"),
            Funding = facts.Text("funding"),
        };
    }

    public async Task<bool> DetachAsync(string providerToken, CancellationToken cancellationToken)
    {
        if (!TryRead(providerToken, out _, out var method))
        {
            return true;
        }

        var answer = await client.PostAsync($"v1/payment_methods/{Uri.EscapeDataString(method)}/detach", new StripeForm(), $"{method}-detach", cancellationToken);
        var code = answer.Body?.Object("error").Text("code");
        return answer.IsSuccess || (answer.Status is 400 or 404 && code is "resource_missing" or "payment_method_unexpected_state");
    }

    private Task<WireAnswer> CreateMethodAsync(TokeniseCall call, string key, CancellationToken cancellationToken)
    {
        var form = call switch
        {
            { Card: { } card } => new StripeForm()
                .Add("type", "card")
                .Add("card[number]", card.Number)
                .Add("card[exp_month]", card.ExpMonth.ToString(CultureInfo.InvariantCulture))
                .Add("card[exp_year]", card.ExpYear.ToString(CultureInfo.InvariantCulture))
                .Add("card[cvc]", card.Cvc)
                .Add("billing_details[name]", card.Name),
            { BankAccount: { } account } => new StripeForm()
                .Add("type", StripeDebits.MethodType)
                .Add("us_bank_account[routing_number]", account.RoutingNumber)
                .Add("us_bank_account[account_number]", account.AccountNumber)
                .Add("us_bank_account[account_type]", Words.Of(account.AccountType))
                .Add("us_bank_account[account_holder_type]", Words.Of(account.HolderType))
                .Add("billing_details[name]", account.HolderName),
            _ => throw new InvariantException("a token is of a card or a bank account"),
        };
        return client.PostAsync("v1/payment_methods", form.Add("metadata[token_id]", key), key, cancellationToken);
    }

    private static Tokenisation Failed(WireAnswer answer, TokeniseCall call)
    {
        var outcome = answer.IsSuccess ? new Outcome(OutcomeKind.Unknown) : StripeOutcomes.OfFailure(answer, isDebit: call.Card is null);
        return new Tokenisation(outcome.Kind) { Decline = outcome.Decline };
    }
}
