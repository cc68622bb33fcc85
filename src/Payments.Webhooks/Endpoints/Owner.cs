using System.Reflection;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Webhooks.Endpoints;

/// <summary>Whose data a request is about: <c>/internal/v1/merchants/{merchant_id}/{mode}/…</c>, bound from the path by the framework.</summary>
public readonly record struct Owner(MerchantId MerchantId, Mode Mode)
{
    /// <summary>Binds from the route; a path that names no merchant or mode is a bug of the caller and answers 400.</summary>
    public static ValueTask<Owner> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        ArgumentNullException.ThrowIfNull(context);
        var values = context.Request.RouteValues;
        return Id.TryParse<MerchantId>(values["merchant_id"] as string, out var merchant) && ModeNames.TryParse(values["mode"] as string, out var mode)
            ? ValueTask.FromResult(new Owner(merchant, mode))
            : throw new BadHttpRequestException("The path names no merchant and mode.");
    }
}
