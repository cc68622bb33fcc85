using Npgsql;
using Payments.Core;

namespace Payments.Ledger.Settlement;

/// <summary>Tells what is wrong with the books of one merchant from what would meet every other merchant as well.</summary>
internal static class OneOfMany
{
    /// <summary>
    /// What the database, or an invariant, says about these rows, or a statement that took too long. A connection that is away, a server
    /// without room or one that shuts down (SQLSTATE classes 08, 53, 57P, 58) is everybody's.
    /// </summary>
    public static bool Concerns(Exception exception) => exception switch
    {
        InvariantException or OverflowException => true,
        PostgresException e => e.SqlState is not (['0', '8', ..] or ['5', '3' or '8', ..] or ['5', '7', 'P', ..]),
        NpgsqlException { InnerException: TimeoutException } => true,
        _ => false,
    };
}
