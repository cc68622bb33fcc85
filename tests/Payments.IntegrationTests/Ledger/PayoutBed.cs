using Microsoft.Extensions.Logging.Abstractions;
using Payments.Core;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Payments.Platform;
using Payments.Platform.Secrets;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>A merchant with something payable, and what pays it.</summary>
internal sealed class PayoutBed : IAsyncDisposable
{
    public static readonly BankAccount Creditor = new("Ada's Mugs", "DE89370400440532013000", "COBADEFFXXX");
    public static readonly BankAccount Other = Creditor with { Iban = "GB82WEST12345698765432", Bic = "WESTGB2L" };
    public static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    public static readonly DateOnly Today = DateOnly.FromDateTime(Now.UtcDateTime);

    private readonly SettledLog log = new();

    private PayoutBed(LedgerDatabase database)
    {
        Database = database;
        Books = new(database.Writer, TimeProvider.System, NullLogger<PayoutBooks>.Instance);
        Approvals = new(database.Writer, TimeProvider.System);
        Settings = new(database.Writer, new SecretBox(new byte[32]), Approvals);
        var options = new LedgerOptions { PayoutDebtorName = "Payments Ltd", PayoutDebtorIban = "GB82WEST12345698765432", PayoutDebtorBic = "WESTGB2L" };
        Files = new(database.Writer, Settings, TimeProvider.System, options, NullLogger<PayoutFiles>.Instance);
    }

    public LedgerDatabase Database { get; }

    public PayoutBooks Books { get; }

    public PayoutApprovals Approvals { get; }

    public PayoutSettings Settings { get; }

    public PayoutFiles Files { get; }

    public MerchantId Merchant { get; } = LedgerDatabase.Ids.New<MerchantId>();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<PayoutBed> CreateAsync(EmbeddedServers servers, long amount = 5_000, DateOnly? payOn = null)
    {
        var bed = new PayoutBed(await LedgerDatabase.CreateAsync(servers, Cancel));
        await bed.SettleAsync(LineKind.Capture, amount, Now.AddDays(-1), payOn);
        return bed;
    }

    /// <summary>On books of a service that runs: what is payable is posted, not settled.</summary>
    public static async Task<PayoutBed> OnAsync(LedgerDatabase database, string currency, long amount)
    {
        var bed = new PayoutBed(database);
        var (bank, payable) = (new AccountName(Account.Platform, AccountKind.Bank), new AccountName(bed.Merchant.ToString(), AccountKind.MerchantPayable));
        var line = new JournalLine(LineKind.Settlement, LineAction.Post, bank, payable, new Money(amount, Currency.Of(currency)));
        var journal = new JournalDraft(
            LedgerDatabase.Ids.New<JournalId>(), 1000, 0, Mode.Test, LedgerDatabase.Ids.New<PaymentId>(), bed.Merchant, "test.posted", TimeProvider.System.GetUtcNow(), Decision: false, [line]);
        Assert.Equal([PostingVerdict.Posted], await database.PostAsync([journal], Cancel));
        await bed.SetAsync();
        return bed;
    }

    /// <summary>A batch with one line.</summary>
    public async Task SettleAsync(LineKind kind, long amount, DateTimeOffset cut, DateOnly? payOn = null)
    {
        await SettlementTermsTests.PostAsync(Database, log, Merchant, "EUR", kind, amount, cut.AddMinutes(-1));
        await log.ProveAsync(Database, Cancel);
        await new SettlementBatches(Database.Writer, log, NullLogger<SettlementBatches>.Instance).CloseAsync(cut, [new(Mode.Test, Merchant, SettlementTerms.Default, payOn ?? Today)], Cancel);
    }

    public async Task<PayoutSettingsVersion> SetAsync(PayoutStanding standing = PayoutStanding.Cleared, long minimum = 1, BankAccount? account = null, string by = "opk_1", params (string Currency, long Least)[] minimums) =>
        Assert.IsType<PayoutSettingsVersion>(await Settings.SetAsync(Mode.Test, Merchant, standing, new PayoutMinimum(minimum, minimums.ToDictionary(m => m.Currency, m => m.Least)), account ?? Creditor, "test", by, Cancel));

    public async Task<PayoutFile?> FileAsync(string currency = "EUR")
    {
        await using var connection = await Database.Writer.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var file = await Files.MakeAsync(transaction, LedgerDatabase.Ids.New<PayoutFileId>(), Mode.Test, Currency.Of(currency), Today, "opk_1", Cancel);
        await transaction.CommitAsync(Cancel);
        Steps.Reached(PayoutSteps.FileAfter);
        return file;
    }

    /// <summary>As the bank's statement says it.</summary>
    public Task<PayoutVerdict> ChangeAsync(PayoutId id, PayoutState to) => Books.ChangeAsync(id, new(to, "ref", "", "opk_1", Now, BankEvidence.Statement), Cancel);

    public async Task<(long Posted, long Held)> PayableAsync(string currency = "EUR") => (
        await SettlementTermsTests.BalanceAsync(Database, Merchant, AccountKind.MerchantPayable, currency),
        await Database.ValueAsync<long>(
            "SELECT coalesce(sum(b.pending_debits), 0)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.kind = 'merchant_payable' AND a.owner = $1", Cancel, Merchant.ToString()));

    public ValueTask DisposeAsync() => Database.DisposeAsync();
}
