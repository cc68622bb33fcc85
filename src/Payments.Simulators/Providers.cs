namespace Payments.Simulators;

/// <summary>Names of the simulated providers, as in routes, books and faults.</summary>
public static class Providers
{
    public const string Stripe = "stripe";
    public const string Adyen = "adyen";

    public static bool IsKnown(string? name) => name is Stripe or Adyen;
}

/// <summary>Kinds of request that faults can be aimed at.</summary>
public static class Operations
{
    public const string Authorize = "authorize";
    public const string Capture = "capture";
    public const string Void = "void";
    public const string Refund = "refund";
    public const string Read = "read";
    public const string Tokenize = "tokenize";
    public const string Dispute = "dispute";
    public const string Upload = "upload";
    public const string Webhook = "webhook";
    public const string Any = "any";

    public static IReadOnlyList<string> All { get; } = [Authorize, Capture, Void, Refund, Read, Tokenize, Dispute, Upload, Webhook, Any];
}
