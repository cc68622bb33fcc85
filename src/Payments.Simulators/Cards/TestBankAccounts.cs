namespace Payments.Simulators.Cards;

/// <summary>An account number that means something, at any bank.</summary>
public sealed record TestBankAccount(string Number, string Behaviour);

/// <summary>
/// The test accounts: published numbers that belong to nobody, with the behaviours of <see cref="Behaviours"/>. Two are our own: one is
/// returned for want of funds after its debit had succeeded, one is returned by its bank without a reason.
/// </summary>
public static class TestBankAccounts
{
    public const string RoutingNumber = "110000000";

    public const string BankName = "STRIPE TEST BANK";

    private static readonly TestBankAccount[] Rows =
    [
        new("000123456789", "succeeds"),
        new("000222222227", "debit_insufficient_funds"),
        new("000111111113", "debit_account_closed"),
        new("000111111116", "debit_no_account"),
        new("000333333335", "debit_not_authorized"),
        new("000777777771", "debit_weekly_limit"),
        new("000000000009", "debit_stays_processing"),
        new("000555555559", "debit_contested"),
        new("000222222235", "debit_returned_later"),
        new("000888888889", "debit_unexplained"),
    ];

    private static readonly Dictionary<string, TestBankAccount> ByNumber = Rows.ToDictionary(a => a.Number);

    public static IReadOnlyList<TestBankAccount> All => Rows;

    public static TestBankAccount? WithNumber(string number) => ByNumber.GetValueOrDefault(number);
}
