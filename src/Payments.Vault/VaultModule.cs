using Microsoft.Net.Http.Headers;
using Payments.Connectors;
using Payments.Core.Seams;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Payments.Vault.BankAccounts;
using Payments.Vault.Cards;
using Payments.Vault.Tokens;

namespace Payments.Vault;

/// <summary>What a host adds to run this service.</summary>
public static class VaultModule
{
    /// <summary>Browsers of any shop may make tokens: a publishable key is public, and the answer holds nothing but a token.</summary>
    private const string AnyShop = "any-shop";

    public static void AddVault(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddDatabase(Names.Databases.Vault, typeof(VaultModule).Assembly, Plumbing.Idempotency);
        builder.AddPaymentsHttp();
        builder.AddIdempotency();
        builder.AddKeyDirectoryClient();
        builder.Services.AddConnectors(builder.Configuration);
        builder.Services.AddSingleton(s => CardFingerprint.From(s.GetRequiredService<IConfiguration>()));
        builder.Services.AddSingleton<TokenContexts>();
        builder.Services.AddSingleton<BankAccountStore>();
        builder.Services.AddSingleton<IVault, TokenDirectory>();
        builder.Services.AddSingleton<CreateToken>();
        builder.Services.AddHostedService<DetachWorker>();
        builder.Services.AddCors(o => o.AddPolicy(AnyShop, p => p
            .AllowAnyOrigin()
            .WithMethods(HttpMethods.Post)
            .WithHeaders(HeaderNames.Authorization, HeaderNames.ContentType, IdempotencyKey.Header)
            .WithExposedHeaders("Request-Id", IdempotencyKey.ReplayedHeader, HeaderNames.RetryAfter)
            .SetPreflightMaxAge(TimeSpan.FromHours(1))));
    }

    public static void MapVault(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseCors();
        app.UsePaymentsHttp();
        app.MapPost("/v1/tokens", CreateToken.HandleAsync).RequirePublishableKey().RequireCors(AnyShop);
        app.MapDelete("/v1/tokens/{id}", DeleteToken.HandleAsync).RequireSecretKey();
        app.MapGet("/internal/v1/merchants/{merchant}/{mode}/tokens/{token}", TokenDirectory.HandleAsync).RequireInternalKey();
        app.MapPost("/internal/v1/tokens/find", TokenDirectory.HandleManyAsync).RequireInternalKey();
        app.MapPost("/internal/v1/merchants/{merchant}/{mode}/erasures", TokenContexts.HandleAsync).RequireInternalKey();
    }
}
