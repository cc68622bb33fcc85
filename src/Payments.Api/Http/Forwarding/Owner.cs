namespace Payments.Api.Http.Forwarding;

/// <summary>The services that own what this origin forwards; the names are those of <c>Payments:Urls</c>.</summary>
internal enum Owner
{
    Ledger,
    Webhooks,
    Fraud,
    Reconciliation,
}
