using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Payments.Platform.Http;

namespace Payments.Api.Http.OpenApi;

/// <summary><c>GET /openapi/v1.json</c>: the whole API, also what the vault and other services answer.</summary>
internal static class OpenApiModule
{
    private const string Document = "v1";

    public static void AddOpenApiDocument(this WebApplicationBuilder builder) =>
        builder.Services.AddOpenApi(Document, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.ShouldInclude = endpoint => ApiDocument.Covers("/" + endpoint.RelativePath);
            // Use cases name their types alike: CreatePayment.Request and VoidPayment.Request are two schemas.
            options.CreateSchemaReferenceId = type =>
                type.Type is { IsNested: true, DeclaringType: { } useCase } nested && OpenApiOptions.CreateDefaultSchemaReferenceId(type) is not null
                    ? useCase.Name + nested.Name
                    : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
            options.AddDocumentTransformer((document, context, _) =>
            {
                ApiDocument.Complete(document, context.ApplicationServices.GetRequiredService<IConfiguration>());
                return Task.CompletedTask;
            });
        });

    public static void MapOpenApiDocument(this WebApplication app) => app.MapOpenApi("/openapi/{documentName}.json").AllowWithoutKey();
}
