using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>
/// <c>POST /internal/ledger/provider-settlements</c> and <c>POST /internal/ledger/corrections</c>: for reconciliation. Their ids are made
/// by the caller, so they need no idempotency key.
/// </summary>
internal static class HouseBooking
{
    private const long Most = 1_000_000_000_000_000;
    private const int LongestText = 2000;
    private const int LongestName = 200;
    private const int HashDigits = 64;

    public static async Task<IResult> SettledAsync(HttpContext context, HouseBooks books, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<ProviderSettlement>(context, cancellationToken)).Succeeded(out var settled, out var problem))
        {
            return problem;
        }

        return Check(settled, time.GetUtcNow()) ?? Answer(settled.Id.Value, await books.BookAsync(settled, cancellationToken));
    }

    public static async Task<IResult> CorrectedAsync(HttpContext context, HouseBooks books, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<LedgerCorrection>(context, cancellationToken)).Succeeded(out var correction, out var problem))
        {
            return problem;
        }

        return Check(correction, time.GetUtcNow()) ?? Answer(correction.Id.Value, await books.BookAsync(correction, cancellationToken));
    }

    private static IResult Answer(Guid id, HouseVerdict verdict) => verdict switch
    {
        HouseVerdict.Booked or HouseVerdict.Duplicate => TypedResults.Ok(new LedgerBooking(new JournalId(id), verdict == HouseVerdict.Duplicate)),
        HouseVerdict.Conflict => new Problem(StatusCodes.Status409Conflict, "booking_conflict", "This id was booked with another content; the books keep the first.", "id"),
        HouseVerdict.RateMissing => new Problem(StatusCodes.Status409Conflict, "rate_missing", "No exchange rate of ours is valid at that time.", "settled_at"),
        HouseVerdict.IdTooOld => new Problem(StatusCodes.Status409Conflict, "id_too_old", "An id that was made in the last four weeks is expected for what was not booked yet; nothing is under this one.", "id"),
        _ => new Problem(StatusCodes.Status409Conflict, "second_person_needed", "A correction of this amount is approved by another person than proposed it.", "approved_by"),
    };

    private static Problem? Check(ProviderSettlement settled, DateTimeOffset now)
    {
        if ((CheckId(settled.Id.Value, now) ?? CheckText("reference", settled.Reference, LongestName) ?? CheckTime("settled_at", settled.SettledAt, now)) is { } wrong)
        {
            return wrong;
        }

        if (settled.Currencies.Count is 0 or > 50 || settled.Currencies.Select(c => c.Currency).Distinct().Count() != settled.Currencies.Count)
        {
            return Problems.InvalidValue("currencies", "1 to 50 currencies are expected, each once.");
        }

        if (settled.LineCount is < 1 or > Most)
        {
            return Problems.InvalidValue("line_count", "At least one line stands behind a settlement.");
        }

        if (settled.LinesHash.Length != HashDigits || !settled.LinesHash.All(char.IsAsciiHexDigitLower))
        {
            return Problems.InvalidValue("lines_hash", "A SHA-256 in 64 lower-case hex digits is expected.");
        }

        return settled.Currencies.Select((part, place) => Check(part, $"currencies[{place}]")).FirstOrDefault(p => p is not null)
            ?? (MovesNothing(settled) ? Problems.InvalidValue("currencies", "Some amount is expected that is not zero.") : null);
    }

    private static bool MovesNothing(ProviderSettlement settled) =>
        settled.Currencies.All(c => c is { NetMinor: 0, AccruedFeesMinor: 0, FeesMinor: 0, Conversion: null or { PaidMinor: 0, BookMinor: null or 0 } });

    private static Problem? Check(ProviderSettlementCurrency part, string path)
    {
        if (!Currency.TryFind(part.Currency, out _))
        {
            return Problems.InvalidValue(path + ".currency", "An accepted currency is expected.");
        }

        foreach (var (name, amount) in new[]
        {
            (".gross_minor", part.GrossMinor), (".fees_minor", part.FeesMinor), (".accrued_fees_minor", part.AccruedFeesMinor), (".net_minor", part.NetMinor),
            (".conversion.paid_minor", part.Conversion?.PaidMinor ?? 0), (".conversion.book_minor", part.Conversion?.BookMinor ?? 0),
        })
        {
            if (amount is < -Most or > Most)
            {
                return Problems.InvalidValue(path + name, $"An amount between -{Most} and {Most} is expected.");
            }
        }

        if (part.GrossMinor - part.FeesMinor != part.NetMinor)
        {
            return Problems.InvalidValue(path + ".net_minor", "Gross less fees is expected.");
        }

        return part.Conversion is { } exchanged && (exchanged.Currency == part.Currency || !Currency.TryFind(exchanged.Currency, out _))
            ? Problems.InvalidValue(path + ".conversion.currency", "Another accepted currency is expected.")
            : null;
    }

    private static Problem? Check(LedgerCorrection correction, DateTimeOffset now)
    {
        if ((CheckId(correction.Id.Value, now) ?? CheckText("reason", correction.Reason, LongestText) ?? CheckText("proposed_by", correction.ProposedBy, LongestName)
            ?? CheckTime("effective_at", correction.EffectiveAt, now)) is { } wrong)
        {
            return wrong;
        }

        if (CorrectionPostings.Find(correction.Kind) is not { } kind)
        {
            return Problems.InvalidValue("kind", $"One of these is expected: {string.Join(", ", CorrectionPostings.Kinds.Select(k => k.Code))}.");
        }

        if (kind.OfMerchant && correction.MerchantId is null)
        {
            return Problems.MissingField("merchant_id");
        }

        if (kind.OfProvider && correction.Provider is null)
        {
            return Problems.MissingField("provider");
        }

        if (!Currency.TryFind(correction.Currency, out _))
        {
            return Problems.InvalidValue("currency", "An accepted currency is expected.");
        }

        if (correction.AmountMinor is < 1 or > Most)
        {
            return Problems.InvalidValue("amount_minor", $"An amount from 1 to {Most} is expected.");
        }

        return correction.ApprovedBy is { } approver && (approver == correction.ProposedBy || approver.Length is 0 or > LongestName)
            ? Problems.InvalidValue("approved_by", "Another person than proposed it is expected.")
            : null;
    }

    // The id becomes the journal's, and its time decides in which month the journal lies.
    private static Problem? CheckId(Guid id, DateTimeOffset now) =>
        id.Version == 7 && Id.TimeOf(id) <= now.AddDays(1) ? null : Problems.InvalidValue("id", "A UUIDv7 that was made in the past is expected.");

    private static Problem? CheckTime(string param, DateTimeOffset at, DateTimeOffset now) =>
        at.Year >= 2000 && at <= now.AddDays(1) ? null : Problems.InvalidValue(param, "A time in the past is expected.");

    private static Problem? CheckText(string param, string text, int longest) =>
        text.Length == 0 || text.Length > longest ? Problems.InvalidValue(param, $"A text of 1 to {longest} characters is expected.") : null;
}
