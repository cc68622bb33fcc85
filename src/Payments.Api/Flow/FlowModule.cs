using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Api.Disputes;
using Payments.Api.Privacy;
using Payments.Api.Recovery;
using Payments.Api.Reviews;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Idempotency;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;

namespace Payments.Api.Flow;

/// <summary>The payment flow: what it needs, and where it answers. The database and HTTP come with the service.</summary>
public static class FlowModule
{
    public static void AddPayments(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        builder.AddVaultClient();
        builder.AddFraudScorerClient();
        if (!services.Any(s => s.ServiceType == typeof(ConnectorRegistry)))
        {
            services.AddConnectors(builder.Configuration);
        }

        services.AddOptions<FlowOptions>().BindConfiguration("Payments").ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(s => s.GetRequiredService<IOptions<FlowOptions>>().Value.Deadlines);
        services.TryAddSingleton<OutboxSignal>();
        services.AddSingleton<DatabaseTypes>(CommitChanges.MapTypes);
        services.AddSingleton<CommitChanges>();
        services.AddSingleton<PaymentWriter>();
        services.AddSingleton<RecentPayments>();
        services.AddSingleton<PaymentStore>();
        services.AddSingleton<PaymentList>();
        services.AddSingleton<NoticeReading>();
        services.AddSingleton<NoticeStore>();
        services.AddSingleton<Recoveries>();
        services.AddSingleton<Breaks>();
        services.AddSingleton<Incidents>();
        services.AddSingleton<Phantoms>();
        services.AddOptions<ListingOptions>().BindConfiguration(ListingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<CancelledOrders>();
        services.AddSingleton<UnresolvedAttempts>();
        services.AddSingleton<OrphanedHolds>();
        services.AddSingleton<LikelyDuplicates>();
        services.AddSingleton<DueAttempts>();
        services.AddSingleton<RequestCache>();
        services.AddSingleton<Learning>();
        services.AddSingleton<ProviderCalls>();
        services.TryAddSingleton<Admission>();
        services.AddSingleton<Execution>();
        services.AddSingleton<Resolver>();
        services.AddSingleton<Entrance>();
        services.AddSingleton<FraudCheck>();
        services.AddSingleton<PersonalData>();
        services.AddSingleton<Erasures>();
        services.AddSingleton<ReviewStore>();
        services.AddSingleton<ReviewDecisions>();
        services.AddSingleton<SimilarPayments>();
        services.AddSingleton<Suspicions>();
        services.AddDisputes();
        builder.AddInternalClient(ReportAnnouncements.Service);
        services.AddSingleton<ReportAnnouncements>();
        services.AddSingleton<ModifyPayment>();
        services.AddSingleton<FlowSignal>();
        services.AddHostedService<NoticeWorker>();
        services.AddHostedService<ResolverWorker>();
        services.AddHostedService<FlowMaintenance>();
        services.AddSingleton<MissingCharges>();
        services.AddHostedService<ChargeListing>();
        services.AddHostedService<RecoveryGauges>();
        services.AddHostedService<UnresolvedWatch>();
        services.AddHostedService<HoldSweep>();
        services.AddHostedService<LikelyDuplicateWatch>();
        services.AddHostedService<ReviewClock>();
    }

    public static void MapPayments(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var merchants = app.MapGroup("/v1").RequireSecretKey().WithTags("Payments");
        merchants.MapPost("/payments", CreatePayment.HandleAsync).WithName("CreatePayment")
            .Accepts<CreatePayment.Request>("application/json").Produces<PaymentView>(201).Produces<PaymentView>(202);
        merchants.MapPost("/payments/{id}/capture", CapturePayment.HandleAsync).WithName("CapturePayment")
            .Accepts<CapturePayment.Request>(isOptional: true, "application/json").Produces<PaymentView>().Produces<PaymentView>(202);
        merchants.MapPost("/payments/{id}/void", VoidPayment.HandleAsync).WithName("VoidPayment")
            .Accepts<VoidPayment.Request>(isOptional: true, "application/json").Produces<PaymentView>().Produces<PaymentView>(202);
        merchants.MapPost("/payments/{id}/refunds", RefundPayment.HandleAsync).WithName("RefundPayment")
            .Accepts<RefundPayment.Request>(isOptional: true, "application/json").Produces<RefundView>(201).Produces<RefundView>(202);
        merchants.MapGet("/payments/{id}", ReadPayments.OneAsync).WithName("GetPayment").Produces<PaymentView>();
        merchants.MapDelete("/payments/{id}/risk_context", ErasureEndpoints.PaymentAsync).WithName("EraseRiskContext").Produces(204);
        merchants.MapPost("/erasures", ErasureEndpoints.PersonAsync).WithName("CreateErasure")
            .Accepts<ErasureEndpoints.Request>("application/json").Produces<ErasureView>();
        merchants.MapGet("/payments", ReadPayments.ManyAsync).WithName("ListPayments").Produces<Page<PaymentView>>();
        merchants.MapPost("/orders/{order_id}/cancel", (HttpContext context, [FromRoute(Name = "order_id")] string orderId, IdempotentRequests requests, CancellationToken cancellationToken) =>
            CancelOrder.HandleAsync(context, orderId, requests, cancellationToken)).WithName("CancelOrder")
            .Accepts<CancelOrder.Request>(isOptional: true, "application/json").Produces<CancelOrder.CancelledOrder>();
        merchants.MapGet("/refunds/{id}", ReadPayments.RefundAsync).WithName("GetRefund").Produces<RefundView>();

        app.MapDisputes();
        app.MapPost("/internal/v1/payments/{id}/suspicion", Suspicions.HandleAsync).RequireInternalKey().ExcludeFromDescription();
        app.MapPost("/internal/v1/reported_charges", ReportedCharges.HandleAsync).RequireInternalKey().ExcludeFromDescription();
        app.MapGet("/v1/payments/{id}/return", ReturnFromChallenge.HandleAsync).AllowWithoutKey().ExcludeFromDescription();
        app.MapPost("/providers/{provider}/{mode}/webhooks", ProviderWebhooks.HandleAsync)
            .AllowWithoutKey().LimitBody(ProviderWebhooks.LargestBody).ExcludeFromDescription();
    }
}
