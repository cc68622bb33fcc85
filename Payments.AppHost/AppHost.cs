using Payments.AppHost;
using Payments.Platform;

var builder = DistributedApplication.CreateBuilder(args);
if (builder.ExecutionContext.IsPublishMode)
{
    builder.AddAzureContainerAppEnvironment("env");
}

// What everything stands on: containers on this machine, managed services in Azure.
var postgres = builder.AddPostgresServer();
var redis = builder.AddRedisCache();
var events = builder.AddEventStream();
var mail = builder.AddMailServer();
var secrets = new Secrets(builder);
var providers = new Providers(builder);

// The services: each alone owns its database, which is migrated before it starts.
var api = builder.AddService<Projects.Payments_Api>(Names.Services.Api, Ports.Api, postgres, Names.Databases.Payments);
var vault = builder.AddService<Projects.Payments_Vault>(Names.Services.Vault, Ports.Vault, postgres, Names.Databases.Vault);
var fraud = builder.AddService<Projects.Payments_Fraud>(Names.Services.Fraud, Ports.Fraud, postgres, Names.Databases.Fraud);
var ledger = builder.AddService<Projects.Payments_Ledger>(Names.Services.Ledger, Ports.Ledger, postgres, Names.Databases.Ledger);
var webhooks = builder.AddService<Projects.Payments_Webhooks>(Names.Services.Webhooks, Ports.Webhooks, postgres, Names.Databases.Webhooks);
var reconciliation = builder.AddService<Projects.Payments_Reconciliation>(Names.Services.Reconciliation, Ports.Reconciliation, postgres, Names.Databases.Reconciliation);

// Merchants reach the API, shoppers' browsers the vault, and nobody anything else.
api.WithExternalHttpEndpoints()
    .With(secrets)
    .With(providers)
    .WithReference(redis).WaitFor(redis)
    .Publishes(events)
    .Calls(vault, fraud, ledger, webhooks, reconciliation)
    .WithEnvironment("Payments__PublicUrl", api.GetEndpoint("http"))
    .WithEnvironment("Payments__PublicVaultUrl", vault.GetEndpoint("http"))
    .WithEnvironment("Payments__OperatorKey", secrets.OperatorKey)
    .ScalesWithRequests(atOnce: 100, least: 2, most: 20);

vault.WithExternalHttpEndpoints()
    .With(secrets)
    .With(providers)
    .WithReference(redis).WaitFor(redis)
    .Calls(api)
    .ScalesWithRequests(atOnce: 100, least: 2, most: 10);

fraud.With(secrets)
    .WithReference(redis).WaitFor(redis)
    .Consumes(events, Names.Services.Fraud)
    .Calls(api)
    .ScalesWithRequests(atOnce: 200, least: 2, most: 10);

ledger.With(secrets)
    .Consumes(events, Names.Services.Ledger)
    .Calls(api);

webhooks.With(secrets)
    .Consumes(events, Names.Services.Webhooks)
    .Calls(api)
    .Sends(mail);

reconciliation.With(secrets)
    .FetchesReports(providers)
    .Consumes(events, Names.Services.Reconciliation)
    .Calls(api, ledger);

// On this machine the providers are simulated, and a demo merchant has keys.
if (builder.ExecutionContext.IsRunMode)
{
    builder.AddSimulators(api, vault, reconciliation, providers);
    builder.AddDemoMerchant(api);
    webhooks.WithEnvironment("Payments__Webhooks__AllowLoopback", "true");
    ledger.WithEnvironment("Payments__Ledger__AnchorFile", Path.Combine(builder.DataDirectory(), "anchors"));
}
else
{
    ledger.AnchorsOn("/var/lib/payments/anchors");
}

builder.Build().Run();
