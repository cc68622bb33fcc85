using System.Text;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Disputes;

/// <summary><c>POST /v1/disputes/{id}/evidence</c> and <c>PUT /v1/disputes/{id}/files/{evidence_kind}</c>: kept sealed until they are submitted.</summary>
public static class LayDownEvidence
{
    public const int LargestFile = 2 * 1024 * 1024;
    private const int LongestText = 20_000;

    private static readonly Problem NotTaken = new(409, "dispute_takes_no_evidence", "The dispute was answered or is over, or the time for evidence is.", "id");

    /// <summary>Absent: stays as it is; empty: is taken away.</summary>
    public sealed record Request(
        string? AccessActivityLog = null, string? CancellationPolicyDisclosure = null, string? ProductDescription = null, string? RefundPolicyDisclosure = null, string? ServiceDate = null,
        string? ShippingCarrier = null, string? ShippingDate = null, string? ShippingTrackingNumber = null, string? UncategorizedText = null)
    {
        /// <summary>In the order of <see cref="EvidenceKinds.Texts"/>.</summary>
        internal IReadOnlyList<string?> Values =>
            [AccessActivityLog, CancellationPolicyDisclosure, ProductDescription, RefundPolicyDisclosure, ServiceDate, ShippingCarrier, ShippingDate, ShippingTrackingNumber, UncategorizedText];
    }

    public static async Task<IResult> TextsAsync(
        HttpContext context, string id, IdempotentRequests requests, DisputeStore disputes, PaymentStore payments, ConnectorRegistry connectors, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentNullException.ThrowIfNull(disputes);
        ArgumentNullException.ThrowIfNull(payments);
        ArgumentNullException.ThrowIfNull(connectors);
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        var told = EvidenceKinds.Texts.Zip(request.Values).Where(t => t.Second is not null).ToList();
        if (told.Find(t => t.Second!.Length > LongestText) is { First: { } tooLong })
        {
            return Problems.InvalidValue(tooLong, $"A text of up to {LongestText} characters is expected.");
        }

        var caller = context.Caller();
        return await requests.RunAsync(context, IdempotencyScope.Of(caller), async (work, cancellation) =>
        {
            if (await DisputeEndpoints.FindAsync(caller, id, disputes, payments, cancellation) is not var (key, payment, dispute, _))
            {
                return Problems.NotFound("dispute");
            }

            if (told.Exists(t => t.Second!.Length > 0) && connectors.Find(dispute.Provider, payment.Mode) is { Capabilities.TakesEvidenceTexts: false })
            {
                var param = told.First(t => t.Second!.Length > 0).First;
                return new Problem(422, "evidence_texts_not_supported", "This dispute's provider takes documents, not texts: upload a file.", param);
            }

            var transaction = await work.BeginAsync(cancellation);
            var pieces = told.Select(t => new DisputeEvidence(t.First, DisputeEvidence.Text, Encoding.UTF8.GetBytes(t.Second!))).ToList();
            return await disputes.LayDownAsync(transaction.Connection!, transaction, key, pieces, cancellation)
                ? IdempotentResponse.Ok(await DisputeEndpoints.DetailedAsync(key, payment, dispute, disputes, cancellation, transaction))
                : NotTaken;
        }, cancellationToken);
    }

    public static async Task<IResult> FileAsync(HttpContext context, string id, string kind, DisputeStore disputes, PaymentStore payments, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(disputes);
        ArgumentNullException.ThrowIfNull(payments);
        if (await DisputeEndpoints.FindAsync(context.Caller(), id, disputes, payments, cancellationToken) is not var (key, payment, dispute, _))
        {
            return Problems.NotFound("dispute");
        }

        if (!EvidenceKinds.Files.Contains(kind))
        {
            return Problems.NotFound("evidence_kind", "evidence_kind");
        }

        if (!(await RequestBytes.ReadAsync(context, cancellationToken)).Succeeded(out var body, out var problem))
        {
            return problem;
        }

        var type = context.Request.ContentType;
        if (type is not (DisputeEvidence.Pdf or DisputeEvidence.Jpeg))
        {
            return new Problem(415, "unsupported_evidence_type", "Send the file as application/pdf or image/jpeg.", "Content-Type");
        }

        if (body.Length == 0)
        {
            return new Problem(400, "body_missing", "A file is expected as the body.", Problems.Body);
        }

        if (!(type == DisputeEvidence.Pdf ? body.AsSpan().StartsWith("%PDF-"u8) : body.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])))
        {
            return Problems.InvalidValue(Problems.Body, "The file is not of the type that it is sent as.");
        }

        return await disputes.LayDownAsync(key, new DisputeEvidence(kind, type, body), cancellationToken)
            ? TypedResults.Json(await DisputeEndpoints.DetailedAsync(key, payment, dispute, disputes, cancellationToken), Json.Options)
            : NotTaken;
    }
}
