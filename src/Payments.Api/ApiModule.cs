using Payments.Api.Flow;
using Payments.Api.Http.Forwarding;
using Payments.Api.Http.OpenApi;
using Payments.Api.Merchants;
using Payments.Api.Operators;
using Payments.Connectors;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;

namespace Payments.Api;

/// <summary>What a host adds to run this service.</summary>
public static class ApiModule
{
    public static void AddApi(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddDatabase(Names.Databases.Payments, typeof(ApiModule).Assembly, Plumbing.Outbox, Plumbing.Idempotency);
        builder.AddPaymentsHttp();
        builder.AddIdempotency();
        builder.AddOutbox();
        builder.Services.AddConnectors(builder.Configuration);
        builder.AddPayments();
        builder.AddMerchants();
        builder.AddOperators();
        builder.AddForwarding();
        builder.AddOpenApiDocument();
    }

    public static void MapApi(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UsePaymentsHttp();
        app.MapPayments();
        app.MapOutbox();
        app.MapMerchants();
        app.MapOperators();
        app.MapForwarded();
        app.MapOpenApiDocument();
    }
}
