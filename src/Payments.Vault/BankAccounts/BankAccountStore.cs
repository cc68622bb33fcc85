using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Vault.BankAccounts;

/// <summary>What is kept of bank accounts beside their tokens. The proof of authorization is personal data, so it is sealed.</summary>
internal sealed class BankAccountStore(SecretBox box)
{
    /// <param name="holder">In whose name: part of the proof, and of nothing else.</param>
    public async Task KeepAsync(NpgsqlTransaction transaction, CardToken token, string holder, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO bank_accounts (token_id, merchant_id, mode, routing_last4, account_type, holder_type, mandate, bank_name)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """;
        var account = token.BankAccount ?? throw new InvariantException("the token is of a bank account");
        var proof = new Proof(account.Mandate.AcceptedAt, account.Mandate.Ip, account.Mandate.UserAgent, holder);
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(
            token.Id.Value, token.MerchantId.Value, ModeNames.Of(token.Mode), account.RoutingLast4, Words.Of(account.AccountType), Words.Of(account.HolderType),
            box.Seal(JsonSerializer.Serialize(proof, Json.Options), PurposeOf(token.Id)));
        command.Parameters.Add(new() { Value = (object?)account.BankName ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public Mandate Open(TokenId token, string sealedText)
    {
        var proof = JsonSerializer.Deserialize<Proof>(box.Open(sealedText, PurposeOf(token)), Json.Options)!;
        return new Mandate(proof.AcceptedAt, proof.Ip, proof.UserAgent);
    }

    private static string PurposeOf(TokenId token) => $"bank_mandate:{token}";

    private sealed record Proof(DateTimeOffset AcceptedAt, string Ip, string UserAgent, string Holder);
}
