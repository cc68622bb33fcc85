using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Platform.Idempotency;
using Payments.Platform.Redis;
using Payments.Platform.Secrets;

namespace Payments.Platform.Http;

/// <summary>The HTTP side of every service. Call <see cref="AddPaymentsHttp"/> once, and <see cref="UsePaymentsHttp"/> before mapping endpoints.</summary>
public static class HttpModule
{
    public static void AddPaymentsHttp(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IdSource>();
        services.TryAddSingleton(s => SecretBox.From(s.GetRequiredService<IConfiguration>()));
        services.TryAddSingleton(s => RequestFingerprint.From(s.GetRequiredService<IConfiguration>()));
        services.AddRedis();
        services.AddOptions<AdmissionOptions>().BindConfiguration(AdmissionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<Admission>();
        services.TryAddSingleton<KeyAuthentication>();
        services.TryAddSingleton<SignatureMemory>();
        services.TryAddSingleton(s => new RequestSignature(s.GetRequiredService<SignatureMemory>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<SecretBox>));
        services.ConfigureHttpJsonOptions(o => Json.Configure(o.SerializerOptions, System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow));

        services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<RedisLink, IOptions<RateLimitOptions>, TimeProvider>((o, redis, limits, time) =>
        {
            o.GlobalLimiter = RateLimits.Create(redis, limits, time);
            o.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            o.OnRejected = async (rejected, _) =>
                await Problems.RateLimited(rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1)).ExecuteAsync(rejected.HttpContext);
        });
    }

    /// <summary>Request ids, problem bodies, security headers, body limit, admission, keys, rate limits and signatures, in this order.</summary>
    public static void UsePaymentsHttp(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseMiddleware<FrontDoor>();
        app.UseMiddleware<AdmissionDoor>();
        app.UseMiddleware<Gatekeeper>();
        app.UseRateLimiter();
        app.UseMiddleware<SignatureGate>();
        ProblemPages.Map(app);
    }

    /// <summary>The one way to Redis of a service.</summary>
    public static void AddRedis(this IServiceCollection services)
    {
        if (services.Any(s => s.ServiceType == typeof(RedisLink)))
        {
            return;
        }

        services.AddSingleton<RedisLink>();
        services.AddHostedService<RedisStart>();
        services.AddHealthChecks().AddCheck<RedisHealth>("redis", tags: ["ready"]);
    }
}
