using Microsoft.Extensions.Options;
using Payments.Ledger.Chain;
using Payments.Ledger.Closing;
using Payments.Ledger.Controls;
using Payments.Ledger.Endpoints;
using Payments.Ledger.Exchanges;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Inbox;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Ledger;

/// <summary>What a host adds to run this service.</summary>
public static class LedgerModule
{
    /// <summary>The role that the running service takes on (<c>Payments:Ledger:DatabaseRole</c>; empty: it stays the owner).</summary>
    public const string DefaultRole = "ledger_writer";

    /// <summary>The role that retires months (<c>Payments:Ledger:RetirementRole</c>).</summary>
    public const string DefaultRetirementRole = "ledger_retirer";

    /// <summary>The name of the ledger's consumer, for ever.</summary>
    public const string Consumer = "ledger";

    public static void AddLedger(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        builder.AddPaymentsHttp();
        services.AddOptions<LedgerOptions>().BindConfiguration(LedgerOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(s => s.GetRequiredService<IOptions<LedgerOptions>>().Value);
        services.AddSingleton(s => new ServiceRole(s.GetRequiredService<LedgerOptions>().DatabaseRole));
        builder.AddDatabase(Names.Databases.Ledger, typeof(LedgerModule).Assembly, Plumbing.Inbox, Plumbing.Idempotency);
        builder.AddIdempotency();
        services.AddSingleton<LedgerMetrics>();
        builder.AddEventConsumer<LedgerPosting>(Consumer);

        services.AddSingleton<ChainVerification>();
        services.AddSingleton<Anchors>();
        services.AddSingleton<Findings>();
        services.AddSingleton<Audit>();
        services.AddSingleton<Completeness>();
        services.AddSingleton(s => new ClosingKeys(s.GetRequiredService<IConfiguration>(), LedgerOptions.Section, "ledger"));
        services.AddSingleton<Closings>();
        services.AddSingleton<Retirement>();
        services.AddSingleton<HouseBooks>();
        services.AddSingleton<SettlementBatches>();
        services.AddSingleton<TermsStore>();
        services.AddSingleton<SettlementRounds>();
        services.AddHostedService(s => s.GetRequiredService<SettlementRounds>());
        services.AddSingleton<OwnExchanges>();
        services.AddSingleton<Revaluations>();
        services.AddSingleton<RevaluationRounds>();
        services.AddHostedService(s => s.GetRequiredService<RevaluationRounds>());
        services.AddSingleton<PayoutBooks>();
        services.AddSingleton<PayoutApprovals>();
        services.AddSingleton<PayoutSettings>();
        services.AddSingleton<PayoutFiles>();
        services.AddSingleton<OpenPayouts>();
        services.AddSingleton<PayoutsToShow>();
        services.AddSingleton<PayoutRounds>();
        services.AddHostedService(s => s.GetRequiredService<PayoutRounds>());
        services.AddSingleton<LedgerControls>();
        services.AddHostedService(s => s.GetRequiredService<LedgerControls>());
        services.AddHealthChecks().AddCheck<LedgerHealth>("ledger", tags: ["ready"]).AddCheck<SettlementHealth>("settlement", tags: ["ready"]).AddCheck<PayoutHealth>("payouts", tags: ["ready"])
            .AddCheck<RevaluationHealth>("revaluation", tags: ["ready"]);
    }

    public static void MapLedger(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UsePaymentsHttp();
        var merchants = app.MapGroup("/internal/v1/merchants/{merchant}/{mode}").RequireInternalKey();
        merchants.MapGet("/balance", MerchantBalance.GetAsync);
        merchants.MapGet("/balance_transactions", BalanceTransactions.ListAsync);
        merchants.MapGet("/settlements", Settlements.ListAsync);
        merchants.MapGet("/settlements/{id}", Settlements.GetAsync);
        merchants.MapGet("/payouts", MerchantPayouts.ListAsync);
        merchants.MapGet("/payouts/{id}", MerchantPayouts.GetAsync);

        var ops = app.MapGroup("/internal/v1/ops").RequireInternalKey();
        ops.MapGet("/accounts", Accounts.ListAsync);
        ops.MapGet("/accounts/{id}", Accounts.GetAsync);
        ops.MapGet("/accounts/{id}/movements", Accounts.MovementsAsync);
        ops.MapGet("/journals", Journals.ListAsync);
        ops.MapGet("/journals/{id}", Journals.GetAsync);
        ops.MapGet("/trial_balance", Balances.TrialAsync);
        ops.MapGet("/balance", Balances.AtAsync);
        ops.MapGet("/months", Months.ListAsync);
        ops.MapGet("/completeness", Controlling.CompletenessAsync);
        ops.MapPost("/findings/{id}/close", Controlling.CloseFindingAsync);
        ops.MapGet("/settlement_terms", Terms.GetAsync);
        ops.MapPost("/settlement_terms", Terms.SetAsync);
        ops.MapPost("/rates", Rates.AddAsync);
        ops.MapGet("/exchanges", ExchangeEndpoints.ListAsync);
        ops.MapPost("/exchanges", ExchangeEndpoints.RecordAsync);
        ops.MapPost("/exchanges/{id}/approve", ExchangeEndpoints.ApproveAsync);
        ops.MapPost("/exchanges/{id}/refuse", ExchangeEndpoints.RefuseAsync);
        ops.MapGet("/revaluations", ExchangeEndpoints.ListRevaluationsAsync);
        ops.MapPost("/revaluations", ExchangeEndpoints.RevalueAsync);
        ops.MapPost("/payout_settings", PayoutSettingsEndpoints.SetAsync);
        ops.MapPost("/payout_switch", PayoutSettingsEndpoints.SwitchAsync);
        ops.MapGet("/payout_limits", PayoutLimits.ListAsync);
        ops.MapPost("/payout_limits", PayoutLimits.SetAsync);
        ops.MapGet("/payouts", PayoutEndpoints.ListAsync);
        ops.MapPost("/payouts/{id}/approve", PayoutEndpoints.ApproveAsync);
        ops.MapPost("/payouts/{id}/report", PayoutEndpoints.ReportAsync);
        ops.MapPost("/payout_files", PayoutFileEndpoints.MakeAsync);
        ops.MapGet("/payout_files", PayoutFileEndpoints.ListAsync);
        ops.MapGet("/payout_files/{id}", PayoutFileEndpoints.GetAsync);
        ops.MapPut("/payout_files/{id}/status_report", PayoutFileEndpoints.AnswerAsync).LimitBody(PayoutFileEndpoints.LargestReport);
        ops.MapGet("/chain/verify", Controlling.VerifyAsync);
        ops.MapPost("/chain/anchor", Controlling.AnchorAsync);
        var house = app.MapGroup("/internal/ledger").RequireInternalKey();
        house.MapPost("/provider-settlements", HouseBooking.SettledAsync);
        house.MapPost("/corrections", HouseBooking.CorrectedAsync);
        house.MapGet("/journals/{id}", Journals.KnownAsync);
        house.MapGet("/payments/{id}", PaymentStory.GetAsync);
        house.MapPost("/rates/after", Rates.AfterAsync);
        house.MapPost("/payout-entries", PayoutEntries.ToldAsync);
        house.MapGet("/payouts-to-show", PayoutEntries.ToShowAsync);
        house.MapPost("/payouts-to-show/taken", PayoutEntries.TakenAsync);
        app.MapDeadLetters();
    }
}
