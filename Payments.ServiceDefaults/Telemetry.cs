using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Payments.Platform;

namespace Payments.ServiceDefaults;

/// <summary>
/// One tracer and one meter provider per process (AllInOne runs many services in one), exporting by OTLP wherever
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> points; nothing is exported where it is not set.
/// </summary>
internal static class Telemetry
{
    private static readonly string[] LibrarySources = ["Microsoft.AspNetCore", "System.Net.Http", "Npgsql"];
    private static readonly string[] LibraryMeters = ["Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql"];
    private static readonly Lock Gate = new();
    private static IDisposable[]? providers;

    public static void Start(string service, IConfiguration configuration)
    {
        lock (Gate)
        {
            if (providers is not null || !IsExported(configuration))
            {
                return;
            }

            // Server spans carry no attributes unless the framework is told to write them.
            AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
            var resource = ResourceOf(service, configuration);
            providers =
            [
                Sampled(Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource), configuration)
                    .AddSource(LibrarySources).AddSource(Names.TelemetryPrefix + "*")
                    .AddOtlpExporter().Build(),
                Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
                    .AddMeter(LibraryMeters).AddMeter(Names.TelemetryPrefix + "*")
                    .AddOtlpExporter().Build(),
            ];
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Array.ForEach(providers, p => p.Dispose());
        }
    }

    public static void AddLogging(WebApplicationBuilder builder, string service)
    {
        if (!IsExported(builder.Configuration))
        {
            return;
        }

        builder.Logging.AddOpenTelemetry(o =>
        {
            o.SetResourceBuilder(ResourceOf(service, builder.Configuration));
            o.IncludeScopes = true;
            o.AddOtlpExporter();
        });
    }

    /// <summary>Names server spans by route, which the framework leaves to an instrumentation library.</summary>
    public static void UseTelemetry(this WebApplication app) => app.Use(async (context, next) =>
    {
        var span = Activity.Current;
        try
        {
            await next(context);
        }
        finally
        {
            if (span is { IsAllDataRequested: true } && context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } route })
            {
                span.DisplayName = $"{context.Request.Method} {route}";
                span.SetTag("http.route", route);
                span.SetTag("http.response.status_code", context.Response.StatusCode);
                if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError)
                {
                    span.SetStatus(ActivityStatusCode.Error);
                }
            }
        }
    });

    /// <summary>Every trace while there are few, so many a second under load; whoever sets OpenTelemetry's own variable decides otherwise.</summary>
    private static TracerProviderBuilder Sampled(TracerProviderBuilder builder, IConfiguration configuration) =>
        string.IsNullOrEmpty(configuration["OTEL_TRACES_SAMPLER"])
            ? builder.SetSampler(new ParentBasedSampler(new TracesPerSecond(configuration.GetValue("Payments:Telemetry:TracesPerSecond", 20))))
            : builder;

    private static bool IsExported(IConfiguration configuration) => !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);

    private static ResourceBuilder ResourceOf(string service, IConfiguration configuration) =>
        ResourceBuilder.CreateDefault().AddService(configuration["OTEL_SERVICE_NAME"] ?? service).AddEnvironmentVariableDetector();
}
