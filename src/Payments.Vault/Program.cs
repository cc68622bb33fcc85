using Payments.ServiceDefaults;
using Payments.Vault;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("vault");
builder.AddVault();

var app = builder.Build();
app.MapServiceDefaults();
app.MapVault();
return await app.RunServiceAsync(args);
