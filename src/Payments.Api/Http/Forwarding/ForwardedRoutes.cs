using System.Globalization;
using Npgsql;
using Payments.Api.Operators;
using Payments.Api.Reviews;
using Payments.Platform.Http;

namespace Payments.Api.Http.Forwarding;

/// <summary>The endpoints of this origin whose data another service owns, in one table.</summary>
internal static class ForwardedRoutes
{
    /// <param name="Path">Below <c>/v1</c>, or below <c>/ops/v1</c> for operators.</param>
    /// <param name="Audited">What the audit calls a change that an operator makes by it.</param>
    /// <param name="Command">A POST whose whole meaning is its path: a body may be absent or <c>{}</c>.</param>
    private sealed record Route(string Method, string Path, Owner Owner, string? Audited = null, bool Command = false)
    {
        /// <summary>In bytes; null: as everywhere.</summary>
        public int? LargestBody { get; init; }

        /// <summary>Reading one object takes no parameters unless the route says so, and neither does a change.</summary>
        public bool TakesQuery { get; init; } = Method == "GET" && !Path.EndsWith("/{id}", StringComparison.Ordinal);
    }

    private sealed record NoMembers;

    // The bank's answer names each transfer of a file: as large as the ledger takes it.
    private const int LargestBankAnswer = 16 * 1024 * 1024;

    private static readonly Route[] Merchants =
    [
        new("POST", "/webhook_endpoints", Owner.Webhooks),
        new("GET", "/webhook_endpoints", Owner.Webhooks),
        new("GET", "/webhook_endpoints/{id}", Owner.Webhooks),
        new("PATCH", "/webhook_endpoints/{id}", Owner.Webhooks),
        new("DELETE", "/webhook_endpoints/{id}", Owner.Webhooks),
        new("POST", "/webhook_endpoints/{id}/rotate_secret", Owner.Webhooks),
        new("GET", "/webhook_endpoints/{id}/deliveries", Owner.Webhooks),
        new("POST", "/webhook_endpoints/{id}/deliveries/{delivery_id}/resend", Owner.Webhooks),
        new("GET", "/events", Owner.Webhooks),
        new("GET", "/events/{id}", Owner.Webhooks),
        new("GET", "/balance", Owner.Ledger),
        new("GET", "/balance_transactions", Owner.Ledger),
        new("GET", "/settlements", Owner.Ledger),
        new("GET", "/settlements/{id}", Owner.Ledger),
        new("GET", "/payouts", Owner.Ledger),
        new("GET", "/payouts/{id}", Owner.Ledger),
        .. Risk(audited: false),
    ];

    // The ledger's paths lose their first segment on the way: /ops/v1/ledger/journals is its /internal/v1/ops/journals.
    private static readonly Route[] Operators =
    [
        new("GET", "/risk/metrics", Owner.Fraud),
        new("GET", "/ledger/accounts", Owner.Ledger),
        new("GET", "/ledger/accounts/{id}", Owner.Ledger),
        new("GET", "/ledger/accounts/{id}/movements", Owner.Ledger),
        new("GET", "/ledger/journals", Owner.Ledger),
        new("GET", "/ledger/journals/{id}", Owner.Ledger),
        new("GET", "/ledger/trial_balance", Owner.Ledger),
        new("GET", "/ledger/balance", Owner.Ledger),
        new("GET", "/ledger/months", Owner.Ledger),
        new("GET", "/ledger/completeness", Owner.Ledger),
        new("POST", "/ledger/findings/{id}/close", Owner.Ledger, "ledger.finding.close"),
        new("GET", "/ledger/settlement_terms", Owner.Ledger),
        new("POST", "/ledger/settlement_terms", Owner.Ledger, "ledger.settlement_terms.set"),
        new("POST", "/ledger/rates", Owner.Ledger, "ledger.rate.add"),
        new("GET", "/ledger/exchanges", Owner.Ledger),
        new("POST", "/ledger/exchanges", Owner.Ledger, "ledger.exchange.record"),
        new("POST", "/ledger/exchanges/{id}/approve", Owner.Ledger, "ledger.exchange.approve", Command: true),
        new("POST", "/ledger/exchanges/{id}/refuse", Owner.Ledger, "ledger.exchange.refuse"),
        new("GET", "/ledger/revaluations", Owner.Ledger),
        new("POST", "/ledger/revaluations", Owner.Ledger, "ledger.revaluation.ask"),
        new("POST", "/ledger/payout_settings", Owner.Ledger, "ledger.payout_settings.set"),
        new("POST", "/ledger/payout_switch", Owner.Ledger, "ledger.payout_switch.set"),
        new("GET", "/ledger/payout_limits", Owner.Ledger),
        new("POST", "/ledger/payout_limits", Owner.Ledger, "ledger.payout_limit.set"),
        new("GET", "/ledger/payouts", Owner.Ledger),
        new("POST", "/ledger/payouts/{id}/approve", Owner.Ledger, "ledger.payout.approve"),
        new("POST", "/ledger/payouts/{id}/report", Owner.Ledger, "ledger.payout.report"),
        new("POST", "/ledger/payout_files", Owner.Ledger, "ledger.payout_file.make"),
        new("GET", "/ledger/payout_files", Owner.Ledger),
        new("GET", "/ledger/payout_files/{id}", Owner.Ledger),
        new("PUT", "/ledger/payout_files/{id}/status_report", Owner.Ledger, "ledger.payout_file.status_report") { LargestBody = LargestBankAnswer },
        new("GET", "/ledger/chain/verify", Owner.Ledger),
        new("POST", "/ledger/chain/anchor", Owner.Ledger, "ledger.anchor", Command: true),
        new("GET", "/risk/models", Owner.Fraud),
        new("GET", "/risk/models/{id}", Owner.Fraud),
        new("POST", "/risk/models/{id}/promote", Owner.Fraud, "risk.model.promote"),
        new("GET", "/risk/payments/{id}/reasons", Owner.Fraud),
        .. Risk(audited: true),
        new("GET", "/reconciliation/reports", Owner.Reconciliation),
        new("GET", "/reconciliation/reports/{id}", Owner.Reconciliation) { TakesQuery = true },
        new("POST", "/reconciliation/reports/{id}/close", Owner.Reconciliation, "reconciliation_report.close", Command: true),
        new("GET", "/reconciliation/imports", Owner.Reconciliation),
        new("GET", "/reconciliation/imports/{id}/quarantine", Owner.Reconciliation),
        new("GET", "/reconciliation/unnoted_payouts", Owner.Reconciliation),
        new("POST", "/reconciliation/match", Owner.Reconciliation, "reconciliation.match", Command: true),
        new("GET", "/reconciliation/payments/{id}", Owner.Reconciliation),
        new("GET", "/reconciliation/breaks", Owner.Reconciliation),
        new("GET", "/reconciliation/breaks/{id}", Owner.Reconciliation),
        new("POST", "/reconciliation/breaks/{id}/assign", Owner.Reconciliation, "reconciliation_break.assign"),
        new("POST", "/reconciliation/breaks/{id}/notes", Owner.Reconciliation, "reconciliation_break.note"),
        new("POST", "/reconciliation/breaks/{id}/resolve", Owner.Reconciliation, "reconciliation_break.resolve"),
        new("POST", "/reconciliation/breaks/{id}/approve", Owner.Reconciliation, "reconciliation_break.approve"),
    ];

    // Services that consume events, and so may have dead letters.
    private static readonly Dictionary<string, Owner> Consumers = new(StringComparer.Ordinal)
    {
        ["ledger"] = Owner.Ledger,
        ["webhooks"] = Owner.Webhooks,
        ["fraud"] = Owner.Fraud,
        ["reconciliation"] = Owner.Reconciliation,
    };

    /// <summary>Rules and lists of fraud decisions: a merchant's own, and for operators everybody's. The fraud service keeps its own audit of both.</summary>
    private static Route[] Risk(bool audited) =>
    [
        new("POST", "/risk/lists", Owner.Fraud, audited ? "risk.list.add" : null),
        new("GET", "/risk/lists", Owner.Fraud),
        new("DELETE", "/risk/lists/{id}", Owner.Fraud, audited ? "risk.list.remove" : null),
        new("POST", "/risk/rules", Owner.Fraud, audited ? "risk.rule.create" : null),
        new("GET", "/risk/rules", Owner.Fraud),
        new("GET", "/risk/rules/{id}", Owner.Fraud),
        new("POST", "/risk/rules/{id}/versions", Owner.Fraud, audited ? "risk.rule.version" : null),
        new("POST", "/risk/rules/{id}/dry_run", Owner.Fraud, audited ? "risk.rule.dry_run" : null),
        new("POST", "/risk/rules/{id}/activate", Owner.Fraud, audited ? "risk.rule.activate" : null),
        new("POST", "/risk/rules/{id}/deactivate", Owner.Fraud, audited ? "risk.rule.deactivate" : null, Command: true),
        new("GET", "/risk/changes", Owner.Fraud),
    ];

    public static void AddForwarding(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<Forwarder>();
    }

    public static void MapForwarded(this WebApplication app)
    {
        var merchant = app.MapGroup("/v1").RequireSecretKey();
        foreach (var route in Merchants)
        {
            merchant.MapMethods(route.Path, [route.Method], (HttpContext context, Forwarder forwarder) => ForMerchantAsync(context, forwarder, route));
        }

        var ops = app.MapGroup("/ops/v1").RequireOperator();
        foreach (var route in Operators)
        {
            var mapped = ops.MapMethods(route.Path, [route.Method], (HttpContext context, Forwarder forwarder, NpgsqlDataSource database) => ForOperatorAsync(context, forwarder, database, route));
            if (route.LargestBody is { } bytes)
            {
                mapped.LimitBody(bytes);
            }
        }

        ops.MapGet("/dead_letters", (HttpContext context, Forwarder forwarder) => ListOfServiceAsync(context, forwarder, "/internal/v1/ops/dead_letters"));
        ops.MapPost("/dead_letters/{service}/{id}/replay", ReplayDeadLetterAsync);
        ops.MapGet("/consumers", (HttpContext context, Forwarder forwarder) => ListOfServiceAsync(context, forwarder, "/internal/v1/ops/consumers"));
        ops.MapPost("/consumers/{service}/{consumer}/resume", ResumeConsumerAsync);
    }

    private static async Task<IResult> ForMerchantAsync(HttpContext context, Forwarder forwarder, Route route)
    {
        if (await RefuseAsync(context, route) is { } problem)
        {
            return problem;
        }

        var caller = context.Caller();
        var path = $"/internal/v1/merchants/{caller.MerchantId}/{ModeNames.Of(caller.Mode)}{Below(context, "/v1")}";
        return Answer(await forwarder.SendAsync(context, route.Owner, path, context.Request.QueryString));
    }

    private static async Task<IResult> ForOperatorAsync(HttpContext context, Forwarder forwarder, NpgsqlDataSource database, Route route)
    {
        var below = Below(context, "/ops/v1");
        var path = "/internal/v1/ops" + (route.Owner == Owner.Ledger ? below["/ledger".Length..] : below);
        return await SendAuditedAsync(context, forwarder, database, route, path, context.Request.QueryString);
    }

    private static async Task<IResult> ListOfServiceAsync(HttpContext context, Forwarder forwarder, string path)
    {
        var given = context.Request.Query["service"];
        if (given.Count != 1)
        {
            return given.Count == 0 ? Problems.MissingParameter("service") : Problems.DuplicateParameter("service");
        }

        if (!Consumers.TryGetValue(given[0] ?? "", out var owner))
        {
            return Problems.InvalidParameter("service", $"One of these is expected: {string.Join(", ", Consumers.Keys)}.");
        }

        var rest = QueryString.Create(context.Request.Query.Where(q => q.Key != "service"));
        return Answer(await forwarder.SendAsync(context, owner, path, rest));
    }

    private static async Task<IResult> ReplayDeadLetterAsync(string service, string id, HttpContext context, Forwarder forwarder, NpgsqlDataSource database)
    {
        if (!Consumers.TryGetValue(service, out var owner))
        {
            return Problems.NotFound("service", "service");
        }

        var route = new Route("POST", "", owner, "dead_letter.replay", Command: true);
        return await SendAuditedAsync(context, forwarder, database, route, $"/internal/v1/ops/dead_letters/{id}/replay", context.Request.QueryString);
    }

    private static async Task<IResult> ResumeConsumerAsync(string service, string consumer, HttpContext context, Forwarder forwarder, NpgsqlDataSource database)
    {
        if (!Consumers.TryGetValue(service, out var owner))
        {
            return Problems.NotFound("service", "service");
        }

        var route = new Route("POST", "", owner, "consumer.resume", Command: true);
        return await SendAuditedAsync(context, forwarder, database, route, $"/internal/v1/ops/consumers/{Uri.EscapeDataString(consumer)}/resume", context.Request.QueryString);
    }

    private static async Task<IResult> SendAuditedAsync(HttpContext context, Forwarder forwarder, NpgsqlDataSource database, Route route, string path, QueryString query)
    {
        if ((await RefuseAsync(context, route) ?? await forwarder.SendAsync(context, route.Owner, path, query)) is { } problem)
        {
            return problem;
        }

        if (route.Audited is { } action && context.Response.StatusCode < StatusCodes.Status300MultipleChoices)
        {
            await using var connection = await database.OpenConnectionAsync(CancellationToken.None);
            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            var target = string.Create(CultureInfo.InvariantCulture, $"{context.Request.Path}");
            await Audit.AppendAsync(transaction, context, action, target, new { Service = route.Owner, context.Response.StatusCode }, CancellationToken.None);
            await transaction.CommitAsync(CancellationToken.None);
            if (action == "risk.list.add")
            {
                await BlockedCards.ReleaseAsync(context);
            }
        }

        return Answer(null);
    }

    /// <summary>What needs no owner to be refused.</summary>
    private static async Task<Problem?> RefuseAsync(HttpContext context, Route route)
    {
        if (!route.TakesQuery && new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        return route.Command ? (await RequestBody.ReadOptionalAsync<NoMembers>(context, context.RequestAborted)).Problem : null;
    }

    private static string Below(HttpContext context, string prefix) => context.Request.Path.Value![prefix.Length..];

    /// <summary>The forwarder has written the response itself, unless there is a problem.</summary>
    private static IResult Answer(Problem? problem) => problem ?? (IResult)TypedResults.Empty;
}
