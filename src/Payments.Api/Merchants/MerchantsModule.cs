using Microsoft.Extensions.DependencyInjection.Extensions;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Api.Merchants;

internal static class MerchantsModule
{
    public static void AddMerchants(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<MerchantDirectory>();
        builder.Services.AddSingleton<IMerchants>(s => s.GetRequiredService<MerchantDirectory>());
        builder.Services.TryAddSingleton<IKeyDirectory, KeyDirectory>();
    }

    public static void MapMerchants(this WebApplication app)
    {
        var merchants = app.MapGroup("/ops/v1/merchants").RequireOperator();
        merchants.MapPost("", CreateMerchant.HandleAsync);
        merchants.MapGet("", ReadMerchants.ListAsync);
        merchants.MapGet("/{id}", ReadMerchants.GetAsync);
        merchants.MapPatch("/{id}", ChangeMerchant.HandleAsync);
        merchants.MapPost("/{id}/keys", CreateKey.HandleAsync);
        merchants.MapGet("/{id}/keys", ListKeys.HandleAsync);
        merchants.MapPost("/{id}/keys/{key_id}/roll", RollKey.HandleAsync);
        merchants.MapPost("/{id}/keys/{key_id}/revoke", RevokeKey.HandleAsync);
        app.MapGet("/internal/v1/keys/{hash}", KeyDirectory.HandleAsync).RequireInternalKey();
    }
}
