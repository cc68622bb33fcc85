using Npgsql;
using Payments.Api.Operators;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Secrets;

namespace Payments.Api.Merchants;

/// <summary><c>POST /ops/v1/merchants/{id}/keys</c>: the key and its signing secret are shown here and never again.</summary>
internal static class CreateKey
{
    public sealed record Request(Mode Mode, KeyClass Class, string? Name = null, IReadOnlyList<string>? Scopes = null, KeySigningPolicy Signing = KeySigningPolicy.None);

    public static async Task<IResult> HandleAsync(string id, HttpContext context, IdempotentRequests requests, SecretBox box, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (Check(request) is { } invalid)
        {
            return invalid;
        }

        if (!Id.TryParse<MerchantId>(id, out var merchant))
        {
            return Problems.NotFound("merchant");
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            if (await MerchantStore.LockAsync(transaction, merchant, cancellation) is null)
            {
                return Problems.NotFound("merchant");
            }

            var view = new KeyView(
                new ApiKeyId(work.Subject), "api_key", merchant, request.Mode, request.Class, request.Name, "", request.Scopes?.Distinct().Order(StringComparer.Ordinal).ToArray(),
                request.Signing, null, default, null, null);
            var made = await MakeAsync(transaction, box, view, cancellation);
            await Audit.AppendAsync(transaction, context, "api_key.create", view.Id.ToString(), new { MerchantId = merchant, view.Mode, view.Class, view.Scopes, view.Signing }, cancellation);
            return IdempotentResponse.Created(made);
        }, cancellationToken);
    }

    /// <summary>Makes the texts of a key and stores their hash and seal.</summary>
    public static async Task<NewKeyView> MakeAsync(NpgsqlTransaction transaction, SecretBox box, KeyView view, CancellationToken cancellationToken)
    {
        var text = KeyStore.NewText(view.Class, view.Mode);
        var secret = view.Signing == KeySigningPolicy.None ? null : KeyStore.NewSigningSecret();
        var stored = await KeyStore.InsertAsync(transaction, view, text, secret is null ? null : box.Seal(secret, RequestSignature.PurposeOf(view.Id)), cancellationToken);
        Invariant.Holds(stored, "a fresh key is new");
        return new NewKeyView((await KeyStore.LockAsync(transaction, view.MerchantId, view.Id, cancellationToken))!, text, secret);
    }

    private static Problem? Check(Request request)
    {
        if (request.Name is { } name && MerchantRules.Name(name, "name") is { } problem)
        {
            return problem;
        }

        if (request.Class == KeyClass.Publishable)
        {
            return request.Scopes is not null ? Problems.InvalidValue("scopes", "A publishable key can only make tokens; scopes belong to secret keys.")
                : request.Signing != KeySigningPolicy.None ? Problems.InvalidValue("signing", "A publishable key cannot sign: whoever holds it can be anyone.")
                : null;
        }

        return request.Scopes is { } scopes && (scopes.Count == 0 || scopes.Except(KeyScopes.All).Any())
            ? Problems.InvalidValue("scopes", $"One or more of these are expected: {string.Join(", ", KeyScopes.All)}; absent means all.")
            : null;
    }
}
