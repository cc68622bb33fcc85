using Payments.Fraud.Features;

namespace Payments.Fraud.Handbook;

/// <summary>
/// About what could be reached at best in a test week: every fraud is found that leaves a sign when it is decided, the others look like
/// good payments. The handbook describes how its frauds were made: very large amounts; places where all payments are frauds for four
/// weeks, which outcomes betray a week later; cards of which a third of the payments is five times as large for two weeks.
/// </summary>
internal static class Ceiling
{
    private static readonly int Amount = FeatureCatalogue.Names.IndexOf("amount");
    private static readonly int OverUsual = FeatureCatalogue.Names.IndexOf("amount_over_card_usual");
    private static readonly int UnusualLately = FeatureCatalogue.Names.IndexOf("card_unusual_14d");
    private static readonly int FraudsOfMerchant = FeatureCatalogue.Names.IndexOf("merchant_frauds_28d");

    public static bool LeavesSign(ReadOnlySpan<float> row) =>
        row[Amount] > 220 || row[OverUsual] > 2.2f || row[UnusualLately] > 0 || row[FraudsOfMerchant] > 0;
}
